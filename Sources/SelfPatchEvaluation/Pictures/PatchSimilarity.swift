import SelfPatchData
import SelfPatchTensors

/// How alike one chosen patch of an image is to all the others: cosines of their features.
package struct PatchSimilarity {
    /// One a patch, row by row; 1 for the chosen patch itself.
    package let cosines: [Float]
    package let chosen: Int
    package let grid: Grid

    /// - Parameters:
    ///   - features: `[patches, width]` of one image.
    ///   - chosen: a patch, counted row by row.
    package init(features: Tensor, grid: Grid, chosen: Int) {
        precondition(features.shape[0] == grid.count, "\(features.shape) on a grid of \(grid)")
        precondition(0..<grid.count ~= chosen, "patch \(chosen) of \(grid.count)")
        let unit = features.cast(to: .float32).moved(to: .cpu).normalized()
        cosines = unit.matmul(unit.narrowed(to: chosen..<chosen + 1, dimension: 0).transposed(0, 1)).floats()
        self.chosen = chosen
        self.grid = grid
    }

    /// From the least alike to the most alike other patch.
    package var range: ClosedRange<Float> {
        var low = Float.infinity
        var high = -Float.infinity
        for (patch, cosine) in cosines.enumerated() where patch != chosen {
            low = min(low, cosine)
            high = max(high, cosine)
        }
        return low <= high ? low...high : 1...1
    }

    /// A heat map, one pixel a patch, whose colours run over `range`; the chosen patch has the last colour.
    package var heatMap: Pixels { HeatMap.pixels(cosines, grid: grid, range: range) }
}
