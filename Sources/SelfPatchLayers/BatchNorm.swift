import SelfPatchTensors

/// Mean 0 and deviation 1 of each channel, then a learned gain and bias: over the batch in training, by running statistics
/// in use.
///
/// The constants are PyTorch's: epsilon 1e-5, statistics move by a tenth.
public struct BatchNorm: Buffered {
    public let weight: Tensor
    public let bias: Tensor
    public let runningMean: Tensor
    public let runningVariance: Tensor

    public init(channels: Int, _ initializer: Initializer) {
        weight = initializer.ones([channels])
        bias = initializer.zeros([channels])
        runningMean = initializer.zeros([channels])
        runningVariance = initializer.ones([channels])
    }

    /// - Parameter maps: `[images, channels, rows, columns]`, and so is the result.
    public func callAsFunction(_ maps: Tensor, _ phase: Phase) -> Tensor {
        maps.batchNormalized(
            weight: weight, bias: bias, mean: runningMean, variance: runningVariance, training: phase.isTraining,
            momentum: 0.1, epsilon: 1e-5)
    }

    public var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
    public var buffers: [NamedTensor] {
        [NamedTensor("running_mean", runningMean), NamedTensor("running_var", runningVariance)]
    }
}
