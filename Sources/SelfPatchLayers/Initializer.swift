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
    /// A layer's weight, by the rule that suits what follows it.
    ///
    /// - Parameter shape: `[out, in]`, or with the sides of a kernel behind.
    package func weight(_ shape: [Int], _ start: Start) -> Tensor {
        precondition(shape.count >= 2, "a weight of \(shape)")
        let area = shape.dropFirst(2).reduce(1, *)
        let (outputs, inputs) = (Double(shape[0] * area), Double(shape[1] * area))
        switch start {
        case .normal(let deviation): return normal(shape, deviation: deviation)
        case .he: return normal(shape, deviation: (2 / outputs).squareRoot())
        case .glorot: return uniform(shape, bound: (6 / (inputs + outputs)).squareRoot())
        }
    }
    package func zeros(_ shape: [Int]) -> Tensor { .zeros(shape, device: device) }
    package func ones(_ shape: [Int]) -> Tensor { .ones(shape, device: device) }
}

/// How a layer's first weights are drawn; its biases start at 0.
package enum Start: Sendable {
    /// Normal with this deviation.
    case normal(Double)
    /// He's normal by the outputs, for layers before a ReLU: deviation sqrt(2 / (out * k * k)).
    case he
    /// Glorot's uniform: within sqrt(6 / ((in + out) * k * k)).
    case glorot
}
