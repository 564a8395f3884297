import SelfPatchTensors

/// Mean 0 and deviation 1 of each channel, then a learned gain and bias: over the batch in training, by running statistics
/// in use.
///
/// The constants are PyTorch's: epsilon 1e-5, statistics move by a tenth.
package struct BatchNorm: Buffered {
    package let weight: Tensor
    package let bias: Tensor
    package let runningMean: Tensor
    package let runningVariance: Tensor

    package init(channels: Int, _ initializer: Initializer) {
        weight = initializer.ones([channels])
        bias = initializer.zeros([channels])
        runningMean = initializer.zeros([channels])
        runningVariance = initializer.ones([channels])
    }

    /// - Parameter maps: `[images, channels, rows, columns]`, and so is the result.
    package func callAsFunction(_ maps: Tensor, _ phase: Phase) -> Tensor {
        maps.batchNormalized(
            weight: weight, bias: bias, mean: runningMean, variance: runningVariance, training: phase.isTraining,
            momentum: 0.1, epsilon: 1e-5)
    }

    package var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
    package var buffers: [NamedTensor] {
        [NamedTensor("running_mean", runningMean), NamedTensor("running_var", runningVariance)]
    }
}
