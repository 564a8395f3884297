import SelfPatchTensors

/// Squares of patches that attend to themselves alone, so that a large picture costs no more a patch than a small one.
///
/// The grid is filled up with tokens of 0 below and to the right to whole squares; these are attended to like others and
/// dropped after. Source: Li et al. 2022 (ViTDet, arXiv 2203.16527), `window_partition` of its code.
package struct AttentionWindows {
    /// Patches of a square in each direction.
    let side: Int
    let grid: Grid

    package init(side: Int, grid: Grid) { (self.side, self.grid) = (side, grid) }

    private var rows: Int { (grid.rows + side - 1) / side }
    private var columns: Int { (grid.columns + side - 1) / side }

    /// `[images, patches, width]` to `[images * windows, side * side, width]`.
    package func parted(_ tokens: Tensor) -> Tensor {
        precondition(tokens.size(1) == grid.count, "tokens of \(tokens.shape) on a grid of \(grid)")
        let (images, width) = (tokens.size(0), tokens.size(2))
        return tokens.reshaped(to: [images, grid.rows, grid.columns, width])
            .padded([0, 0, 0, columns * side - grid.columns, 0, rows * side - grid.rows])
            .reshaped(to: [images, rows, side, columns, side, width]).permuted([0, 1, 3, 2, 4, 5])
            .reshaped(to: [images * rows * columns, side * side, width])
    }

    /// The way back.
    package func joined(_ windows: Tensor) -> Tensor {
        let (images, width) = (windows.size(0) / (rows * columns), windows.size(2))
        return windows.reshaped(to: [images, rows, columns, side, side, width]).permuted([0, 1, 3, 2, 4, 5])
            .reshaped(to: [images, rows * side, columns * side, width])
            .narrowed(to: 0..<grid.rows, dimension: 1).narrowed(to: 0..<grid.columns, dimension: 2)
            .reshaped(to: [images, grid.count, width])
    }
}
