import SelfPatchTensors

/// A convolution with stride 1 that keeps the size of its maps.
package struct Convolution: Parameterized {
    /// `[out, in, side, side]`
    package let weight: Tensor
    /// `[out]`
    package let bias: Tensor?

    /// - Parameter side: of the kernel, odd.
    package init(
        from inputs: Int, to outputs: Int, side: Int = 1, hasBias: Bool = true, start: Start, _ initializer: Initializer
    ) {
        precondition(side % 2 == 1, "a kernel of \(side)")
        weight = initializer.weight([outputs, inputs, side, side], start)
        bias = hasBias ? initializer.zeros([outputs]) : nil
    }

    /// `[images, in, rows, columns]` to `[images, out, rows, columns]`.
    package func callAsFunction(_ maps: Tensor) -> Tensor {
        maps.convolved(weight, bias, padding: weight.size(2) / 2)
    }

    package var parameters: [NamedTensor] {
        [NamedTensor("weight", weight)] + (bias.map { [NamedTensor("bias", $0)] } ?? [])
    }
}

/// Every pixel becomes four: a transposed convolution with kernel and stride 2.
package struct Doubling: Parameterized {
    /// `[in, out, 2, 2]`
    package let weight: Tensor
    package let bias: Tensor

    /// - Parameter start: nil takes PyTorch's for transposed convolutions: uniform within 1 / sqrt(out * 4), biases too.
    package init(channels: Int, start: Start? = nil, _ initializer: Initializer) {
        if let start {
            weight = initializer.weight([channels, channels, 2, 2], start)
            bias = initializer.zeros([channels])
            return
        }
        let bound = 1 / Double(channels * 4).squareRoot()
        weight = initializer.uniform([channels, channels, 2, 2], bound: bound)
        bias = initializer.uniform([channels], bound: bound)
    }

    /// `[images, channels, rows, columns]` to `[images, channels, 2 rows, 2 columns]`.
    package func callAsFunction(_ maps: Tensor) -> Tensor { maps.transposedConvolved(weight, bias, stride: 2) }

    package var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
}

/// Convolution without bias, batch norm, ReLU: what most of dense heads is made of.
package struct ConvolutionBlock: Buffered {
    let convolution: Convolution
    let norm: BatchNorm

    package init(from inputs: Int, to outputs: Int, side: Int = 3, _ initializer: Initializer) {
        convolution = Convolution(
            from: inputs, to: outputs, side: side, hasBias: false, start: .he, initializer)
        norm = BatchNorm(channels: outputs, initializer)
    }

    package func callAsFunction(_ maps: Tensor, _ phase: Phase) -> Tensor { norm(convolution(maps), phase).relu() }

    package var parameters: [NamedTensor] { convolution.parameters(of: "conv") + norm.parameters(of: "norm") }
    package var buffers: [NamedTensor] { norm.buffers(of: "norm") }
}
