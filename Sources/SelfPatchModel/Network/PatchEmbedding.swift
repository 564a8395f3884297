import SelfPatchLayers
import SelfPatchTensors

/// Patches to tokens: a convolution whose kernel and stride are the patch's side, done as one matrix product.
///
/// Pixels beyond the last whole patch are not seen.
package struct PatchEmbedding: Parameterized {
    /// `[width, channels, patch, patch]`
    package let weight: Tensor
    package let bias: Tensor

    package init(_ architecture: Architecture, _ initializer: Initializer) {
        let (side, channels) = (architecture.patchSize, architecture.channels)
        let bound = 1 / Double(channels * side * side).squareRoot()
        weight = initializer.uniform([architecture.width, channels, side, side], bound: bound)
        bias = initializer.uniform([architecture.width], bound: bound)
    }

    /// - Parameter views: `[images, channels, height, width]`, normalised.
    /// - Returns: `[images, patches, width]`, patches row by row.
    package func callAsFunction(_ views: Tensor) -> Tensor {
        let (images, channels, side) = (views.size(0), views.size(1), weight.size(2))
        precondition(channels == weight.size(1), "views of \(views.shape) for a patch embedding of \(weight.shape)")
        let grid = Grid(height: views.size(2), width: views.size(3), patchSize: side)
        precondition(grid.count > 0, "views of \(views.shape) hold no patch of \(side) x \(side) pixels")
        let patches = views.narrowed(to: 0..<grid.rows * side, dimension: 2).narrowed(
            to: 0..<grid.columns * side, dimension: 3
        )
        .reshaped(to: [images, channels, grid.rows, side, grid.columns, side])
        .permuted([0, 2, 4, 1, 3, 5])
        .reshaped(to: [images, grid.count, channels * side * side])
        return patches.linear(weight.reshaped(to: [weight.size(0), channels * side * side]), bias)
    }

    package var parameters: [NamedTensor] { [NamedTensor("proj.weight", weight), NamedTensor("proj.bias", bias)] }
}
