import CSelfPatchTorch
import SelfPatchFormats

/// An array of numbers of any rank on some device, as libtorch's: views share memory, operations make new tensors.
///
/// Operations do not throw: a wrong shape is a mistake in this program and traps, naming the shapes.
public final class Tensor {
    /// Owned: released once, in `deinit`. It reaches libtorch only in this file, while its tensor is kept alive.
    private let handle: OpaquePointer

    /// Takes over one reference.
    fileprivate init(owning handle: OpaquePointer) { self.handle = handle }

    /// What libtorch makes of no other tensor; stops the program with the operation's name where it fails.
    convenience init(_ name: StaticString, body: (UnsafeMutablePointer<OpaquePointer?>) -> Native?) {
        var result: OpaquePointer?
        Failure.stop("\(name)", body(&result))
        guard let result else { preconditionFailure("\(name) gave no tensor") }
        self.init(owning: result)
    }

    deinit { sp_tensor_release(handle) }

    // MARK: The one way to libtorch

    typealias Native = UnsafeMutablePointer<sp_error>

    /// Calls libtorch with the handles of `inputs` (null for nil), which live until the call is over: Swift frees a temporary as
    /// soon as its handle has been read.
    static func calling<Result>(
        _ inputs: [Tensor?], _ body: (UnsafeBufferPointer<OpaquePointer?>) -> Result
    ) -> Result {
        withExtendedLifetime(inputs) {
            withUnsafeTemporaryAllocation(of: OpaquePointer?.self, capacity: inputs.count) { handles in
                for index in inputs.indices { handles.initializeElement(at: index, to: inputs[index]?.handle) }
                return body(UnsafeBufferPointer(handles))
            }
        }
    }

    /// One operation with one result; stops the program with the operation's name and the inputs' shapes where it fails.
    static func make(
        _ name: StaticString, _ inputs: Tensor?...,
        body: (UnsafeBufferPointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> Native?
    ) -> Tensor {
        make(name, of: inputs, body: body)
    }

    static func make(
        _ name: StaticString, of inputs: [Tensor?],
        body: (UnsafeBufferPointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> Native?
    ) -> Tensor {
        var result: OpaquePointer?
        Failure.stop(described(name, inputs), calling(inputs) { body($0, &result) })
        return owning(result, name)
    }

    /// One operation with two results.
    static func makePair(
        _ name: StaticString, _ input: Tensor,
        body: (OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> Native?
    ) -> (Tensor, Tensor) {
        var first: OpaquePointer?
        var second: OpaquePointer?
        Failure.stop(described(name, [input]), calling([input]) { body($0[0], &first, &second) })
        return (owning(first, name), owning(second, name))
    }

    /// One operation without a result, such as one in place.
    static func perform(
        _ name: StaticString, _ inputs: [Tensor?], body: (UnsafeBufferPointer<OpaquePointer?>) -> Native?
    ) {
        Failure.stop(described(name, inputs), calling(inputs, body))
    }

    /// Takes over a handle that libtorch gave; null stands for "none" where an operation may have no result.
    static func owningOptional(_ handle: OpaquePointer?) -> Tensor? { handle.map(Tensor.init(owning:)) }

    static func owning(_ handle: OpaquePointer?, _ name: StaticString) -> Tensor {
        guard let handle else { preconditionFailure("\(name) gave no tensor") }
        return Tensor(owning: handle)
    }

    /// `add of [2, 3] and [2, 4]`, for messages.
    private static func described(_ name: StaticString, _ inputs: [Tensor?]) -> String {
        let shapes = inputs.compactMap { $0?.shape.description }
        guard !shapes.isEmpty else { return "\(name)" }
        let shown = shapes.count > 4 ? shapes.prefix(4) + ["\(shapes.count - 4) more"] : shapes[...]
        return "\(name) of " + shown.joined(separator: " and ")
    }

    /// Gives libtorch a reference of its own.
    func shared() -> OpaquePointer? { Self.calling([self]) { sp_tensor_share($0[0]) } }

    // MARK: What it is

    /// Sizes of all dimensions.
    public var shape: [Int] {
        Self.calling([self]) { handles in (0..<sp_rank(handles[0])).map { Int(sp_size(handles[0], $0)) } }
    }
    /// How many dimensions there are.
    public var rank: Int { Self.calling([self]) { sp_rank($0[0]) } }
    /// Elements in all.
    public var count: Int { Self.calling([self]) { Int(sp_element_count($0[0])) } }
    public var elementType: ElementType { ElementType(native: Self.calling([self]) { sp_element_type($0[0]) }) }
    public var device: Device { Device(native: Self.calling([self]) { sp_tensor_device($0[0]) }) }
    /// The size of one dimension; negative ones count from the last.
    package func size(_ dimension: Int) -> Int {
        let rank = self.rank
        let place = dimension < 0 ? dimension + rank : dimension
        precondition(place >= 0 && place < rank, "dimension \(dimension) of a tensor of \(shape)")
        return Self.calling([self]) { Int(sp_size($0[0], place)) }
    }
    var isContiguous: Bool { Self.calling([self]) { sp_is_contiguous($0[0]) } }
}

/// Lends a shape or a list of dimensions to a call.
func withInts<Result>(_ values: [Int], _ body: (sp_ints) -> Result) -> Result {
    values.withUnsafeBufferPointer { buffer in
        buffer.withMemoryRebound(to: Int64.self) { body(sp_ints(values: $0.baseAddress, count: $0.count)) }
    }
}
