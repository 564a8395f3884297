import SelfPatchData
import SelfPatchTensors

extension Scene {
    /// The patch that shows its things best: of those covered most by a thing, the one nearest to the picture's middle.
    ///
    /// - Parameters:
    ///   - view: the part of the picture that is looked at.
    ///   - grid: of the patches that this part is divided into.
    package func typicalPatch(in view: CenterView, grid: Grid) -> Int {
        let mask = view.labels(of: maskPixels)
        let (height, width) = (view.size.height, view.size.width)
        var covered = [Int](repeating: 0, count: grid.count)
        for row in 0..<height {
            for column in 0..<width where mask[row * width + column] != 0 {
                covered[row * grid.rows / height * grid.columns + column * grid.columns / width] += 1
            }
        }
        func distance(_ patch: Int) -> Int {
            let (row, column) = (patch / grid.columns, patch % grid.columns)
            let (down, across) = (2 * row + 1 - grid.rows, 2 * column + 1 - grid.columns)
            return down * down + across * across
        }
        // Patches that are nearly covered count as covered: a soft edge is no reason to look elsewhere.
        let enough = (covered.max() ?? 0) * 9 / 10
        let best = covered.indices.filter { covered[$0] >= enough }.min { distance($0) < distance($1) }
        return best ?? grid.count / 2
    }
}
