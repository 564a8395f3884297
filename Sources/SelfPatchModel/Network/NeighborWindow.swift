import SelfPatchFormats
import SelfPatchTensors

/// What happens to a patch's window at the border of the grid.
package enum Border: String, SettingsChoice {
    /// The window goes on at the opposite side, as in the reference.
    case wrap
    /// Only patches of the grid itself; border patches have fewer candidates.
    case inside
}

/// The candidates of every patch of a grid: the patches of a square window around it, without itself, sorted by patch number.
///
/// Source: method of the reference for 3 x 3 and wrapping, which has tables for two grids only; any odd side here.
package struct NeighborWindow: Sendable {
    package let grid: Grid
    package let side: Int
    package let border: Border
    /// For each patch, ascending, each once.
    package let candidates: [[Int]]
    /// The largest number of candidates that a patch has.
    package let width: Int

    package init(side: Int, border: Border, grid: Grid) {
        precondition(side > 0 && side % 2 == 1, "a window of \(side) x \(side) has no centre")
        self.grid = grid
        self.side = side
        self.border = border
        // Farther a window holds nothing new.
        let reach = min((side - 1) / 2, max(grid.rows, grid.columns))
        candidates = (0..<grid.count).map { patch in
            let (row, column) = (patch / grid.columns, patch % grid.columns)
            var found: Set<Int> = []
            for dy in -reach...reach {
                for dx in -reach...reach {
                    var (y, x) = (row + dy, column + dx)
                    switch border {
                    case .wrap:
                        y = (y % grid.rows + grid.rows) % grid.rows
                        x = (x % grid.columns + grid.columns) % grid.columns
                    case .inside:
                        guard y >= 0, y < grid.rows, x >= 0, x < grid.columns else { continue }
                    }
                    found.insert(y * grid.columns + x)
                }
            }
            found.remove(patch)
            return found.sorted()
        }
        width = candidates.map(\.count).max() ?? 0
    }

    /// `[width, patches]` int64: the c-th candidate of every patch; a patch with fewer points at itself there.
    func table(on device: Device) -> Tensor {
        let rows = (0..<width).flatMap { c in
            candidates.enumerated().map { patch, list in c < list.count ? list[c] : patch }
        }
        return Tensor(rows, shape: [width, grid.count]).moved(to: device)
    }

    /// `[patches, width]` bool: where there is no candidate; nil if every patch has `width` of them.
    func missing(on device: Device) -> Tensor? {
        guard candidates.contains(where: { $0.count < width }) else { return nil }
        let flags = candidates.flatMap { list in (0..<width).map { $0 >= list.count } }
        return Tensor(flags, shape: [grid.count, width]).moved(to: device)
    }
}
