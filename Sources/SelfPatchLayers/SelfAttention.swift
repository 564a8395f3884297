import SelfPatchTensors

/// Multi-head attention of all tokens of an image to one another.
package struct SelfAttention: Parameterized {
    /// Queries, keys and values in one product; its output splits as `[3, heads, width / heads]`.
    package let queryKeyValue: Linear
    package let projection: Linear
    package let heads: Int

    package init(width: Int, heads: Int, _ initializer: Initializer) {
        precondition(width % heads == 0, "\(heads) heads for a width of \(width)")
        queryKeyValue = Linear(from: width, to: 3 * width, initializer)
        projection = Linear(from: width, to: width, initializer)
        self.heads = heads
    }

    /// - Parameter tokens: `[images, tokens, width]`, and so is the result.
    package func callAsFunction(_ tokens: Tensor) -> Tensor {
        traced("attention") { projection(queryKeyValue(tokens).selfAttention(heads: heads)) }
    }

    package var parameters: [NamedTensor] { queryKeyValue.parameters(of: "qkv") + projection.parameters(of: "proj") }
}
