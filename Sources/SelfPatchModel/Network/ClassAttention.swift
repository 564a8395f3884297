import SelfPatchLayers
import SelfPatchTensors

/// A block in which one class token attends to itself and to a set of tokens; only the class token changes.
///
/// Keys and values of a token do not depend on who asks, so they are made once and shared by the image summary and by all patch
/// targets, whose sets of tokens are picked from them.
///
/// Source: `LayerScale_Block_CA` in the reference (without any layer scale), after CaiT.
struct ClassAttention: Parameterized {
    let attentionNorm: LayerNorm
    let query: Linear
    let key: Linear
    let value: Linear
    let projection: Linear
    let mlpNorm: LayerNorm
    let mlp: MLP
    let heads: Int

    init(_ architecture: Architecture, _ initializer: Initializer) {
        let (width, epsilon) = (architecture.width, architecture.normEpsilon)
        attentionNorm = LayerNorm(width: width, epsilon: epsilon, initializer)
        query = Linear(from: width, to: width, initializer)
        key = Linear(from: width, to: width, initializer)
        value = Linear(from: width, to: width, initializer)
        projection = Linear(from: width, to: width, initializer)
        mlpNorm = LayerNorm(width: width, epsilon: epsilon, initializer)
        mlp = MLP(width: width, hiddenWidth: architecture.hiddenWidth, initializer)
        heads = architecture.heads
    }

    /// What class tokens attend to: `[images, patches, heads, width / heads]` each.
    struct Memory {
        let keys: Tensor
        let values: Tensor
    }

    /// - Parameter tokens: `[images, patches, width]`.
    func memory(of tokens: Tensor) -> Memory {
        let normed = attentionNorm.forProducts(tokens)
        return Memory(keys: split(key(normed)), values: split(value(normed)))
    }

    /// The class token's attention to all patches and itself.
    /// - Parameter classToken: `[images or 1, 1, width]`.
    /// - Returns: `[images, 1, width]`, the attended values before the projection.
    func attended(by classToken: Tensor, toAllOf memory: Memory) -> Tensor {
        let images = memory.keys.size(0)
        let own = self.own(classToken)
        let keys = memory.keys.permuted([0, 2, 3, 1])
        // [images, heads, 1, patches]
        let logits = own.query.permuted([0, 2, 1, 3]).matmul(keys)
        let weights = softmax(
            own.logit.permuted([0, 2, 1]).unsqueezed(at: -1).expanded(to: [images, -1, -1, -1]), logits)
        let values = memory.values.permuted([0, 2, 1, 3])
        let sum = weights.own * own.value.permuted([0, 2, 1, 3]) + weights.others.matmul(values)
        return joined(sum.permuted([0, 2, 1, 3]))
    }

    /// Each patch's class token's attention to that patch's positives and itself; the patch is not among them.
    /// - Parameters:
    ///   - classTokens: `[images, patches, width]`, or `[1, 1, width]` where all are still the same.
    ///   - excluded: `[images or 1, patches, candidates]` bool, candidates that are no positives.
    /// - Returns: `[images, patches, width]`, the attended values before the projection.
    func attended(
        by classTokens: Tensor, toPositivesIn memory: Memory, _ matching: PositiveMatching, excluding excluded: Tensor?
    ) -> Tensor {
        let own = self.own(classTokens)
        guard [own.query, own.value, memory.keys, memory.values].allSatisfy(\.suitsNeighborKernels) else {
            return attendedByOperations(own, toPositivesIn: memory, matching, excluding: excluded)
        }
        return .neighborAttention(
            query: own.query.contiguous(), keys: memory.keys.contiguous(), values: memory.values.contiguous(),
            ownLogits: own.logit.cast(to: .float32).contiguous(), ownValues: own.value.contiguous(),
            table: matching.table,
            excluded: excluded)
    }

    /// The same by tensor operations, which define it.
    private func attendedByOperations(
        _ own: Own, toPositivesIn memory: Memory, _ matching: PositiveMatching, excluding excluded: Tensor?
    ) -> Tensor {
        let (images, patches) = (memory.keys.size(0), memory.keys.size(1))
        let candidates = (0..<matching.window.width).map { matching.table.selected($0, dimension: 0) }
        var logits: Tensor
        if own.query.size(1) == 1 {
            // One query for all: a candidate's logit is the same whoever asks, one number a patch and head.
            let all = (own.query * memory.keys).sum(over: -1)
            logits = Tensor.stacked(candidates.map { all.rows($0, dimension: 1) }, dimension: -1)
        } else {
            logits = Tensor.stacked(
                candidates.map { (own.query * memory.keys.rows($0, dimension: 1)).sum(over: -1) }, dimension: -1)
        }
        if let excluded { logits = logits.filled(where: excluded.unsqueezed(at: 2), with: -.infinity) }
        let weights = softmax(own.logit.unsqueezed(at: -1).expanded(to: [images, patches, -1, -1]), logits)
        var sum = weights.own * own.value
        for (c, candidate) in candidates.enumerated() {
            sum =
                sum + weights.others.narrowed(to: c..<c + 1, dimension: 3) * memory.values.rows(candidate, dimension: 1)
        }
        return joined(sum)
    }

    /// The rest of the block: g + proj(attended), then the MLP.
    /// - Parameter classTokens: `[images or 1, n, width]`; `attended` decides the result's shape `[images, n, width]`.
    func finished(_ classTokens: Tensor, _ attended: Tensor) -> Tensor {
        let x = classTokens + projection(attended)
        return x + mlp(mlpNorm.forProducts(x))
    }

    var parameters: [NamedTensor] {
        attentionNorm.parameters(of: "norm1")
            + query.parameters(of: "attn.q") + key.parameters(of: "attn.k") + value.parameters(of: "attn.v")
            + projection.parameters(of: "attn.proj") + mlpNorm.parameters(of: "norm2") + mlp.parameters(of: "mlp")
    }

    /// Scaled query, value and own logit of class tokens: `[images, n, heads, e]`, the logit without e.
    private typealias Own = (query: Tensor, value: Tensor, logit: Tensor)

    private func own(_ classTokens: Tensor) -> Own {
        let normed = attentionNorm.forProducts(classTokens)
        let query = split(self.query(normed))
        let scaled = query * (1 / Double(query.size(-1)).squareRoot())
        return (scaled, split(value(normed)), (scaled * split(key(normed))).sum(over: -1))
    }

    /// One softmax over the own logit and the others, in float32.
    private func softmax(_ own: Tensor, _ others: Tensor) -> (own: Tensor, others: Tensor) {
        let weights = Tensor.concatenated([own.cast(to: .float32), others.cast(to: .float32)], dimension: -1).softmax()
        let count = weights.size(-1)
        return (weights.narrowed(to: 0..<1, dimension: -1), weights.narrowed(to: 1..<count, dimension: -1))
    }

    private func split(_ tokens: Tensor) -> Tensor {
        tokens.reshaped(to: [tokens.size(0), tokens.size(1), heads, tokens.size(2) / heads])
    }

    private func joined(_ tokens: Tensor) -> Tensor {
        tokens.reshaped(to: [tokens.size(0), tokens.size(1), tokens.size(2) * tokens.size(3)])
    }
}
