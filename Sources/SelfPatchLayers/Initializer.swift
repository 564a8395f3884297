import SelfPatchTensors

/// Where new parameters get their first values from: one source, so that a seed and the order of making decide them all.
///
/// Values are drawn on the CPU and moved, so that a seed gives the same network on every device.
public final class Initializer {
    private let generator: Generator
    private let device: Device

    public init(seed: UInt64, device: Device) {
        generator = Generator(seed: seed)
        self.device = device
    }

    /// Deviation of linear weights, position table and class token in the authors' code.
    public static let deviation = 0.02

    public func normal(_ shape: [Int], deviation: Double = Initializer.deviation) -> Tensor {
        Tensor.normal(shape, deviation: deviation, using: generator).moved(to: device)
    }
    /// Uniform in ±bound.
    public func uniform(_ shape: [Int], bound: Double) -> Tensor {
        Tensor.uniform(shape, low: -bound, high: bound, using: generator).moved(to: device)
    }
    public func zeros(_ shape: [Int]) -> Tensor { .zeros(shape, device: device) }
    public func ones(_ shape: [Int]) -> Tensor { .ones(shape, device: device) }
}
