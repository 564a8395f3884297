import CSelfPatchTorch

extension Tensor {
    // MARK: From numbers

    /// Elements in row-major order, on the CPU.
    public static func from(_ values: [Float], shape: [Int]) -> Tensor { copy(values, shape, .float32) }
    public static func from(_ values: [Double], shape: [Int]) -> Tensor { copy(values, shape, .float64) }
    public static func from(_ values: [Int64], shape: [Int]) -> Tensor { copy(values, shape, .int64) }
    public static func from(_ values: [Int], shape: [Int]) -> Tensor { copy(values.map(Int64.init), shape, .int64) }
    public static func from(_ values: [UInt8], shape: [Int]) -> Tensor { copy(values, shape, .uint8) }
    public static func from(_ values: [Bool], shape: [Int]) -> Tensor { copy(values, shape, .bool) }
    public static func from(_ bytes: UnsafeRawBufferPointer, type: ElementType, shape: [Int]) -> Tensor {
        make("from bytes") { _, out in
            withInts(shape) { sp_from_bytes(bytes.baseAddress, bytes.count, $0, type.native, out) }
        }
    }

    private static func copy<Element>(_ values: [Element], _ shape: [Int], _ type: ElementType) -> Tensor {
        precondition(
            values.count == shape.reduce(1, *), "\(values.count) values for a tensor of \(shape)")
        return values.withUnsafeBytes { from($0, type: type, shape: shape) }
    }

    // MARK: From a rule

    /// Memory as it comes: whoever asks for it writes every element.
    public static func empty(_ shape: [Int], type: ElementType = .float32, device: Device = .cpu) -> Tensor {
        make("empty") { _, out in withInts(shape) { sp_empty($0, type.native, device.native, out) } }
    }
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
    public static func range(_ count: Int, type: ElementType = .int64, device: Device = .cpu) -> Tensor {
        make("range") { _, out in sp_arange(Int64(count), type.native, device.native, out) }
    }

    // MARK: From chance

    /// Normally distributed float32 on the generator's device.
    public static func normal(
        _ shape: [Int], mean: Double = 0, deviation: Double = 1, using generator: Generator
    ) -> Tensor {
        generator.with { native in
            make("normal") { _, out in withInts(shape) { sp_normal($0, mean, deviation, native, out) } }
        }
    }
    /// Uniform float32 in [low, high) on the generator's device.
    public static func uniform(_ shape: [Int], low: Double, high: Double, using generator: Generator) -> Tensor {
        generator.with { native in
            make("uniform") { _, out in withInts(shape) { sp_uniform($0, low, high, native, out) } }
        }
    }
}

/// A source of libtorch's random numbers; sizes are part of its sequence, so ask for the same shapes in the same order.
public final class Generator {
    private let native: OpaquePointer
    public let device: Device

    public init(seed: UInt64, device: Device = .cpu) {
        var made: OpaquePointer?
        Failure.stop("generator", sp_generator_make(seed, device.native, &made))
        guard let made else { preconditionFailure("no generator was made") }
        native = made
        self.device = device
    }

    deinit { sp_generator_release(native) }

    func with<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        withExtendedLifetime(self) { body(native) }
    }
}
