import SelfPatchLayers
import SelfPatchTensors

/// The backbone: patches to tokens, places added, then blocks. No class token, no norm after the last block.
public struct VisionTransformer: Parameterized {
    public let architecture: Architecture
    let patchEmbedding: PatchEmbedding
    package let positions: PositionTable
    let blocks: [Block]

    public init(_ architecture: Architecture, _ initializer: Initializer) {
        self.architecture = architecture
        positions = PositionTable(architecture, initializer)
        patchEmbedding = PatchEmbedding(architecture, initializer)
        blocks = (0..<architecture.depth).map { Block(architecture, index: $0, initializer) }
    }

    /// - Parameter views: `[images, channels, height, width]`, normalised, any size that holds a patch.
    /// - Returns: the last block's tokens, `[images, patches, width]`.
    public func callAsFunction(_ views: Tensor, _ dropPath: DropPath = .none) -> Tensor {
        blocks.reduce(embedded(views)) { tokens, block in block(tokens, dropPath) }
    }

    /// The tokens after each of the given blocks (from 0), in ascending order: the levels that dense heads stand on.
    public func levels(_ indices: Set<Int>, of views: Tensor) -> [Tensor] {
        var tokens = embedded(views)
        var levels: [Tensor] = []
        for block in blocks {
            tokens = block(tokens, .none)
            if indices.contains(block.index) { levels.append(tokens) }
        }
        return levels
    }

    /// The grid of patches of such views.
    public func grid(of views: Tensor) -> Grid {
        Grid(height: views.size(2), width: views.size(3), patchSize: architecture.patchSize)
    }

    private func embedded(_ views: Tensor) -> Tensor {
        patchEmbedding(views) + positions.resized(to: grid(of: views))
    }

    public var parameters: [NamedTensor] {
        positions.parameters + patchEmbedding.parameters(of: "patch_embed")
            + blocks.flatMap { $0.parameters(of: "blocks.\($0.index)") }
    }
}
