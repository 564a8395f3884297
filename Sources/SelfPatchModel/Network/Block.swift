import SelfPatchLayers
import SelfPatchTensors

/// A pre-norm transformer block: attention and MLP, each on a residual branch that drop path may leave out.
///
/// Source: `Block` in the authors' vision transformer.
package struct Block: Parameterized {
    let attentionNorm: LayerNorm
    let attention: SelfAttention
    let mlpNorm: LayerNorm
    let mlp: MLP
    let index: Int

    package init(_ architecture: Architecture, index: Int, _ initializer: Initializer) {
        let width = architecture.width
        attentionNorm = LayerNorm(width: width, epsilon: architecture.normEpsilon, initializer)
        attention = SelfAttention(width: width, heads: architecture.heads, initializer)
        mlpNorm = LayerNorm(width: width, epsilon: architecture.normEpsilon, initializer)
        mlp = MLP(width: width, hiddenWidth: architecture.hiddenWidth, initializer)
        self.index = index
    }

    /// - Parameter tokens: `[images, patches, width]`, and so is the result.
    package func callAsFunction(_ tokens: Tensor, _ dropPath: DropPath) -> Tensor { self(tokens, dropPath, nil) }

    /// The same with attention within windows, where there are any.
    func callAsFunction(_ tokens: Tensor, _ dropPath: DropPath, _ windows: AttentionWindows?) -> Tensor {
        let normed = attentionNorm.forProducts(tokens)
        let attended = windows.map { $0.joined(attention($0.parted(normed))) } ?? attention(normed)
        let x = dropPath.adding(attended, to: tokens, block: index, .attention)
        return dropPath.adding(mlp(mlpNorm.forProducts(x)), to: x, block: index, .mlp)
    }

    package var parameters: [NamedTensor] {
        attentionNorm.parameters(of: "norm1") + attention.parameters(of: "attn")
            + mlpNorm.parameters(of: "norm2") + mlp.parameters(of: "mlp")
    }
}
