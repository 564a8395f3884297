import SelfPatchLayers
import SelfPatchTensors

/// The backbone: patches to tokens, places added, then blocks.
///
/// SelfPatch has no class token and no norm after the last block; networks of other origins may have both.
package struct VisionTransformer: Parameterized {
    package let architecture: Architecture
    let patchEmbedding: PatchEmbedding
    package let positions: PositionTable
    let prefix: PrefixTokens?
    let blocks: [Block]
    /// On all tokens or on the mean patch: see `architecture.finalNorm`.
    let norm: LayerNorm?

    package init(_ architecture: Architecture, _ initializer: Initializer) {
        self.architecture = architecture
        positions = PositionTable(architecture, initializer)
        patchEmbedding = PatchEmbedding(architecture, initializer)
        prefix = PrefixTokens(architecture, initializer)
        blocks = (0..<architecture.depth).map { Block(architecture, index: $0, initializer) }
        norm =
            architecture.finalNorm == .none
            ? nil : LayerNorm(width: architecture.width, epsilon: architecture.normEpsilon, initializer)
    }

    /// - Parameters:
    ///   - views: `[images, channels, height, width]`, normalised, any size that holds a patch.
    ///   - recomputing: keep only the tokens between blocks for the backward, and compute each block again there.
    /// - Returns: the last block's tokens, not normed: `[images, patches, width]`, after prefix tokens where there are any.
    package func callAsFunction(_ views: Tensor, _ dropPath: DropPath = .none, recomputing: Bool = false) -> Tensor {
        blocks.reduce(embedded(views)) { tokens, block in
            recomputing ? tokens.recomputed { block($0, dropPath) } : block(tokens, dropPath)
        }
    }

    /// The patches after each of the given blocks (from 0), not normed: the levels that dense heads stand on. A block that is named
    /// twice gives two.
    ///
    /// - Parameter window: patches of a square within which all other blocks attend; 0: everywhere. Only without prefix tokens.
    /// - Returns: `[images, patches, width]` each.
    package func levels(
        _ indices: [Int], of views: Tensor, _ dropPath: DropPath = .none, window: Int = 0
    ) -> [Tensor] {
        precondition(
            window == 0 || architecture.prefixCount == 0, "windows for \(architecture.prefixCount) prefix tokens")
        let windows = window > 0 ? AttentionWindows(side: window, grid: grid(of: views)) : nil
        return tokens(after: indices, of: views, dropPath, windows).map { parted($0).patches }
    }

    /// All tokens after each of the given blocks; blocks after the last of these are not run.
    private func tokens(
        after indices: [Int], of views: Tensor, _ dropPath: DropPath, _ windows: AttentionWindows? = nil
    ) -> [Tensor] {
        precondition(
            indices.allSatisfy(blocks.indices.contains), "blocks \(indices) of \(blocks.count), counted from 0"
        )
        var tokens = embedded(views)
        var levels: [Int: Tensor] = [:]
        for block in blocks.prefix((indices.max() ?? -1) + 1) {
            let isLevel = indices.contains(block.index)
            tokens = block(tokens, dropPath, isLevel ? nil : windows)
            if isLevel { levels[block.index] = tokens }
        }
        return indices.compactMap { levels[$0] }
    }

    /// Tokens by what they stand for.
    struct Output {
        /// `[images, width]`
        let classToken: Tensor?
        /// `[images, registers, width]`
        let registers: Tensor?
        /// `[images, patches, width]`
        let patches: Tensor
    }

    /// The last block's tokens, normed where the network norms all of them.
    func output(of views: Tensor) -> Output { output(self(views)) }

    /// The same after several blocks; the norm is the last block's.
    func outputs(after indices: [Int], of views: Tensor) -> [Output] {
        tokens(after: indices, of: views, .none).map { output($0) }
    }

    private func output(_ tokens: Tensor) -> Output {
        parted(architecture.finalNorm == .tokens ? normed(tokens) : tokens)
    }

    /// The mean over the patches, `[images, width]`, normed where the network norms that.
    func mean(of patches: Tensor) -> Tensor {
        let mean = patches.mean(over: 1)
        return architecture.finalNorm == .pooled ? normed(mean) : mean
    }

    /// The grid of patches of such views.
    package func grid(of views: Tensor) -> Grid {
        Grid(height: views.size(2), width: views.size(3), patchSize: architecture.patchSize)
    }

    private func embedded(_ views: Tensor) -> Tensor {
        traced("embedding") {
            let places = positions.resized(to: grid(of: views), viewIsSquare: views.size(2) == views.size(3))
            let patches = patchEmbedding(views) + places
            return prefix?.prepended(to: patches) ?? patches
        }
    }

    private func parted(_ tokens: Tensor) -> Output {
        let (first, registers) = (architecture.prefixCount, architecture.registerCount)
        guard first > 0 else { return Output(classToken: nil, registers: nil, patches: tokens) }
        return Output(
            classToken: architecture.hasClassToken ? tokens.selected(0, dimension: 1) : nil,
            registers: registers > 0 ? tokens.narrowed(to: first - registers..<first, dimension: 1) : nil,
            patches: tokens.narrowed(to: first..<tokens.size(1), dimension: 1))
    }

    private func normed(_ tokens: Tensor) -> Tensor { norm?(tokens) ?? tokens }

    package var parameters: [NamedTensor] {
        positions.parameters + patchEmbedding.parameters(of: "patch_embed") + (prefix?.parameters ?? [])
            + blocks.flatMap { $0.parameters(of: "blocks.\($0.index)") }
            + (norm?.parameters(of: architecture.finalNorm == .pooled ? "fc_norm" : "norm") ?? [])
    }
}
