import Foundation

/// Makes values of 0 ..< `count` on several threads, and gives them in order, whichever thread made which.
///
/// - Parameters:
///   - threads: 0 takes one for each processor.
///   - body: is handed the place, and what `lane` made for its thread: memory that no other call uses at the same time.
package func concurrently<Value, Lane>(
    _ count: Int, threads: Int = 0, lane: @Sendable () -> Lane, _ body: @Sendable (Int, Lane) -> Value
) -> [Value] {
    let wanted = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
    let lanes = max(1, min(count, wanted))
    var values = [Value?](repeating: nil, count: count)
    values.withUnsafeMutableBufferPointer { buffer in
        // Every place is written by one thread alone.
        nonisolated(unsafe) let buffer = buffer
        DispatchQueue.concurrentPerform(iterations: lanes) { number in
            let own = lane()
            for place in stride(from: number, to: count, by: lanes) { buffer[place] = body(place, own) }
        }
    }
    return values.compactMap { $0 }
}

/// The same where threads need nothing of their own.
package func concurrently<Value>(_ count: Int, threads: Int = 0, _ body: @Sendable (Int) -> Value) -> [Value] {
    concurrently(count, threads: threads, lane: {}) { place, _ in body(place) }
}
