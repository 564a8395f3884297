import SelfPatchTensors

/// Maps of features, `[images, channels, rows, columns]`, on the grid of their rows and columns.
extension Tensor {
    /// Tokens `[images, patches, width]` as maps `[images, width, rows, columns]`.
    func asMap(_ grid: Grid) -> Tensor {
        precondition(size(1) == grid.count, "tokens of \(shape) on a grid of \(grid)")
        return transposed(1, 2).reshaped(to: [size(0), size(2), grid.rows, grid.columns])
    }

    /// The grid of maps `[images, channels, rows, columns]`.
    package var grid: Grid { Grid(rows: size(2), columns: size(3)) }

    /// Resized bilinearly; itself where it has that grid.
    func resizedBilinear(ifNotAlready other: Grid) -> Tensor { grid == other ? self : resizedBilinear(to: other) }
}
