import SelfPatchTensors

/// Where new parameters get their first values from: one source, so that a seed and the order of making decide them all.
///
/// Values are drawn on the CPU and moved, so that a seed gives the same network on every device.
package final class Initializer {
    private let generator: Generator
    private let device: Device

    package init(seed: UInt64, device: Device) {
        generator = Generator(seed: seed)
        self.device = device
    }

    /// Deviation of linear weights, position table and class token in the authors' code.
    package static let deviation = 0.02

    package func normal(_ shape: [Int], deviation: Double = Initializer.deviation) -> Tensor {
        Tensor.normal(shape, deviation: deviation, using: generator).moved(to: device)
    }
    /// Uniform in ±bound.
    package func uniform(_ shape: [Int], bound: Double) -> Tensor {
        Tensor.uniform(shape, low: -bound, high: bound, using: generator).moved(to: device)
    }
    package func zeros(_ shape: [Int]) -> Tensor { .zeros(shape, device: device) }
    package func ones(_ shape: [Int]) -> Tensor { .ones(shape, device: device) }
}
