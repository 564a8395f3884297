import SelfPatchTensors

/// Mean 0 and deviation 1 over the last dimension, then a learned gain and bias.
package struct LayerNorm: Parameterized {
    package let weight: Tensor
    package let bias: Tensor
    package let epsilon: Double

    package init(width: Int, epsilon: Double, _ initializer: Initializer) {
        weight = initializer.ones([width])
        bias = initializer.zeros([width])
        self.epsilon = epsilon
    }

    package func callAsFunction(_ input: Tensor) -> Tensor {
        traced("norms") { input.layerNormalized(weight, bias, epsilon: epsilon) }
    }

    /// The same where nothing but linear maps reads the result, which may be of bf16 then.
    package func forProducts(_ input: Tensor) -> Tensor {
        traced("norms") { input.layerNormalizedForProducts(weight, bias, epsilon: epsilon) }
    }

    package var parameters: [NamedTensor] { [NamedTensor("weight", weight), NamedTensor("bias", bias)] }
}
