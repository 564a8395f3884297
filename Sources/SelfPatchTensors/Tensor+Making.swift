import CSelfPatchTorch

extension Tensor {
    // MARK: From numbers

    /// Copies elements in row-major order into a tensor on the CPU; their number is the product of `shape`.
    public convenience init(_ values: [Float], shape: [Int]) { self.init(copying: values, shape, .float32) }
    public convenience init(_ values: [Double], shape: [Int]) { self.init(copying: values, shape, .float64) }
    public convenience init(_ values: [Int64], shape: [Int]) { self.init(copying: values, shape, .int64) }
    public convenience init(_ values: [Int], shape: [Int]) { self.init(values.map(Int64.init), shape: shape) }
    public convenience init(_ values: [UInt8], shape: [Int]) { self.init(copying: values, shape, .uint8) }
    public convenience init(_ values: [Bool], shape: [Int]) { self.init(copying: values, shape, .bool) }
    /// Copies the bytes of elements as they lie in memory.
    public convenience init(_ bytes: UnsafeRawBufferPointer, type: ElementType, shape: [Int]) {
        self.init("from bytes") { out in
            withInts(shape) { sp_from_bytes(bytes.baseAddress, bytes.count, $0, type.native, out) }
        }
    }

    private convenience init<Element>(copying values: [Element], _ shape: [Int], _ type: ElementType) {
        precondition(
            values.count == shape.reduce(1, *), "\(values.count) values for a tensor of \(shape)")
        self.init("from numbers") { out in
            values.withUnsafeBytes { bytes in
                withInts(shape) { sp_from_bytes(bytes.baseAddress, bytes.count, $0, type.native, out) }
            }
        }
    }

    // MARK: From a rule

    /// Memory as it comes: whoever asks for it writes every element.
    package static func empty(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) -> Tensor {
        make("empty") { _, out in withInts(shape) { sp_empty($0, type.native, device.native, out) } }
    }
    /// The same number everywhere.
    public static func full(
        _ shape: [Int], value: Double, type: ElementType = .float32, device: Device = .cpu
    ) -> Tensor {
        make("full") { _, out in withInts(shape) { sp_full($0, value, type.native, device.native, out) } }
    }
    public static func zeros(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) -> Tensor {
        full(shape, value: 0, type: type, device: device)
    }
    public static func ones(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) -> Tensor {
        full(shape, value: 1, type: type, device: device)
    }
    /// 0, 1, ... `count` - 1.
    package static func range(_ count: Int, type: ElementType = .int64, device: Device = .cpu) -> Tensor {
        make("range") { _, out in sp_arange(Int64(count), type.native, device.native, out) }
    }

    // MARK: From chance

    /// Normally distributed float32 on the CPU.
    package static func normal(
        _ shape: [Int], mean: Double = 0, deviation: Double = 1, using generator: Generator
    ) -> Tensor {
        generator.with { native in
            make("normal") { _, out in withInts(shape) { sp_normal($0, mean, deviation, native, out) } }
        }
    }
    /// Uniform float32 in [low, high) on the CPU.
    package static func uniform(_ shape: [Int], low: Double, high: Double, using generator: Generator) -> Tensor {
        generator.with { native in
            make("uniform") { _, out in withInts(shape) { sp_uniform($0, low, high, native, out) } }
        }
    }
}

/// A source of libtorch's random numbers; sizes are part of its sequence, so ask for the same shapes in the same order.
package final class Generator {
    private let native: OpaquePointer

    package init(seed: UInt64) {
        var made: OpaquePointer?
        Failure.stop("generator", sp_generator_make(seed, &made))
        guard let made else { preconditionFailure("no generator was made") }
        native = made
    }

    deinit { sp_generator_release(native) }

    func with<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        withExtendedLifetime(self) { body(native) }
    }
}
