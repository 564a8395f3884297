import SelfPatchTensors

/// Mean 0 and deviation 1 over the last dimension, then a learned gain and bias.
public struct LayerNorm: Parameterized {
    public let weight: Tensor
    public let bias: Tensor
    public let epsilon: Double

    public init(width: Int, epsilon: Double, _ initializer: Initializer) {
        weight = initializer.ones([width])
        bias = initializer.zeros([width])
        self.epsilon = epsilon
    }

    public func callAsFunction(_ input: Tensor) -> Tensor {
        input.layerNormalized(weight, bias, epsilon: epsilon)
    }

    public var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
}
