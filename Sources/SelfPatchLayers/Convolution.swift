import SelfPatchTensors

/// A convolution with stride 1 that keeps the size of its maps.
public struct Convolution: Parameterized {
    /// How first weights are drawn; biases start at 0.
    public enum Start: Sendable {
        /// Normal with this deviation.
        case normal(Double)
        /// He's normal by the outputs, for layers before a ReLU: deviation sqrt(2 / (out * k * k)).
        case he
        /// Glorot's uniform: within sqrt(6 / ((in + out) * k * k)).
        case glorot
    }

    /// `[out, in, side, side]`
    public let weight: Tensor
    /// `[out]`
    public let bias: Tensor?

    /// - Parameter side: of the kernel, odd.
    public init(
        from inputs: Int, to outputs: Int, side: Int = 1, hasBias: Bool = true, start: Start, _ initializer: Initializer
    ) {
        precondition(side % 2 == 1, "a kernel of \(side)")
        let shape = [outputs, inputs, side, side]
        let area = Double(side * side)
        switch start {
        case .normal(let deviation): weight = initializer.normal(shape, deviation: deviation)
        case .he: weight = initializer.normal(shape, deviation: (2 / (Double(outputs) * area)).squareRoot())
        case .glorot: weight = initializer.uniform(shape, bound: (6 / (Double(inputs + outputs) * area)).squareRoot())
        }
        bias = hasBias ? initializer.zeros([outputs]) : nil
    }

    /// `[images, in, rows, columns]` to `[images, out, rows, columns]`.
    public func callAsFunction(_ maps: Tensor) -> Tensor {
        maps.convolved(weight, bias, padding: weight.size(2) / 2)
    }

    public var parameters: [NamedTensor] {
        [NamedTensor("weight", weight)] + (bias.map { [NamedTensor("bias", $0)] } ?? [])
    }
}

/// Every pixel becomes four: a transposed convolution with kernel and stride 2.
public struct Doubling: Parameterized {
    /// `[in, out, 2, 2]`
    public let weight: Tensor
    public let bias: Tensor

    /// First weights are PyTorch's for transposed convolutions: uniform within 1 / sqrt(out * 4), biases too.
    public init(channels: Int, _ initializer: Initializer) {
        let bound = 1 / Double(channels * 4).squareRoot()
        weight = initializer.uniform([channels, channels, 2, 2], bound: bound)
        bias = initializer.uniform([channels], bound: bound)
    }

    /// `[images, channels, rows, columns]` to `[images, channels, 2 rows, 2 columns]`.
    public func callAsFunction(_ maps: Tensor) -> Tensor { maps.transposedConvolved(weight, bias, stride: 2) }

    public var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
}

/// Convolution without bias, batch norm, ReLU: what most of dense heads is made of.
public struct ConvolutionBlock: Buffered {
    let convolution: Convolution
    let norm: BatchNorm

    public init(from inputs: Int, to outputs: Int, side: Int = 3, _ initializer: Initializer) {
        convolution = Convolution(
            from: inputs, to: outputs, side: side, hasBias: false, start: .he, initializer)
        norm = BatchNorm(channels: outputs, initializer)
    }

    public func callAsFunction(_ maps: Tensor, _ phase: Phase) -> Tensor { norm(convolution(maps), phase).relu() }

    public var parameters: [NamedTensor] { convolution.parameters(of: "conv") + norm.parameters(of: "norm") }
    public var buffers: [NamedTensor] { norm.buffers(of: "norm") }
}
