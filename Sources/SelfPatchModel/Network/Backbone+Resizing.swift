import SelfPatchTensors

/// What a backbone knows, for a backbone of another grid or patch.
extension VisionTransformer {
    /// The position table for another grid, by the rule of the weights, `[1, patches, width]`.
    package func resizedPositions(to grid: Grid) -> Tensor {
        positions.resized(to: grid, viewIsSquare: grid.rows == grid.columns)
    }

    /// The patch embedding's kernel for patches of another side, `[width, channels, side, side]`.
    package func resizedPatchKernel(to side: Int) -> Tensor { PatchResizing.resized(patchEmbedding.weight, to: side) }
}
