import SelfPatchLayers
import SelfPatchTensors

/// What is added to a patch's token for its place: a learned table for the global view's grid, resized for every other grid.
package struct PositionTable: Parameterized {
    /// `[1, rows * columns, width]`
    package let weight: Tensor
    package let grid: Grid
    package let rule: PositionRule

    package init(_ architecture: Architecture, _ initializer: Initializer) {
        grid = architecture.positionGrid
        rule = architecture.positionRule
        weight = initializer.normal([1, grid.count, architecture.width])
    }

    /// The table for another grid, `[1, patches, width]`; gradients flow back through the resizing.
    /// - Parameter viewIsSquare: whether the view's sides are equal in pixels, which one of the rules asks.
    package func resized(to other: Grid, viewIsSquare: Bool) -> Tensor {
        guard !rule.keeps(grid, for: other, viewIsSquare: viewIsSquare) else { return weight }
        let width = weight.size(2)
        let rows = rule.resizing(from: grid.rows, to: other.rows).moved(to: weight.device)
        let columns = rule.resizing(from: grid.columns, to: other.columns).moved(to: weight.device)
        // Rounded places would make tokens of 8 bits of all that is added to them.
        let tall = rows.uncastMatmul(weight.reshaped(to: [grid.rows, grid.columns * width]))
        return columns.uncastMatmul(tall.reshaped(to: [other.rows, grid.columns, width]))
            .reshaped(to: [1, other.count, width])
    }

    package var parameters: [NamedTensor] { [NamedTensor("pos_embed", weight)] }
}
