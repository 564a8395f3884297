import CSelfPatchTorch

/// A stretch of time in a trace.
package struct TraceSpan: Sendable {
    /// What `traced` called it. Of a backward's node: what `traced` called its forward, nil where that was outside.
    package let name: String?
    /// libtorch's name of a backward's node; nil for all that `traced` named.
    package let node: String?
    /// Spans around it, on the same thread.
    package let depth: Int
    /// Nanoseconds of a clock that only goes forward.
    package let begin, end: Int64

    package var seconds: Double { Double(end - begin) * 1e-9 }
}

/// Runs `body` and says how long what it named took: each `traced` on this thread, and each node of its backwards on the CPU.
///
/// - Returns: the spans in the order in which they began, so that the spans within one follow it, each one deeper.
package func tracing<Result>(_ body: () throws -> Result) rethrows -> (result: Result, spans: [TraceSpan]) {
    Failure.stop("trace", sp_trace_start())
    var spans: [TraceSpan] = []
    func stop() {
        withUnsafeMutablePointer(to: &spans) {
            sp_trace_stop(
                { context, first, count in
                    let spans = context?.assumingMemoryBound(to: [TraceSpan].self)
                    spans?.pointee = UnsafeBufferPointer(start: first, count: count).map(TraceSpan.init)
                }, $0)
        }
    }
    do {
        let result = try body()
        stop()
        return (result, spans)
    } catch {
        stop()
        throw error
    }
}

/// Runs `body`, and names it where there is a trace; elsewhere it costs one look at whether there is.
package func traced<Result>(_ name: @autoclosure () -> String, _ body: () throws -> Result) rethrows -> Result {
    guard sp_is_tracing() else { return try body() }
    sp_trace_enter(name())
    defer { sp_trace_leave() }
    return try body()
}

extension TraceSpan {
    fileprivate init(_ span: sp_span) {
        name = span.name.map { String(cString: $0) }
        node = span.node.map { String(cString: $0) }
        depth = Int(span.depth)
        (begin, end) = (span.begin, span.end)
    }
}
