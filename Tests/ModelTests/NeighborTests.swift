import SelfPatchModel
import SelfPatchTensors
import Testing

private let grids = [
    (1, 2), (2, 1), (2, 2), (3, 3), (1, 7), (7, 1), (2, 5), (6, 6), (3, 9), (5, 4), (14, 14),
].map { Grid(rows: $0.0, columns: $0.1) }

@Suite struct NeighborWindowTests {
    @Test(arguments: grids, [3, 5, 1_023])
    func neighbourhoodIsSymmetricAndSorted(grid: Grid, side: Int) {
        for border in Border.allCases {
            let window = NeighborWindow(side: side, border: border, grid: grid)
            for patch in 0..<grid.count {
                let near = window.candidates[patch]
                #expect(!near.contains(patch))
                #expect(near == Array(Set(near)).sorted())
                for other in near { #expect(window.candidates[other].contains(patch)) }
            }
            switch border {
            case .wrap:
                let expected = min(side, grid.rows) * min(side, grid.columns) - 1
                #expect(window.candidates.allSatisfy { $0.count == expected })
            case .inside:
                let reach = (side + 1) / 2
                let corner = min(reach, grid.rows) * min(reach, grid.columns) - 1
                #expect(window.candidates[0].count == corner)
            }
        }
    }

    @Test func theReferencesOwnTables() {
        let global = NeighborWindow(side: 3, border: .wrap, grid: Grid(rows: 14, columns: 14))
        #expect(global.candidates[0] == [1, 13, 14, 15, 27, 182, 183, 195])
        let local = NeighborWindow(side: 3, border: .wrap, grid: Grid(rows: 6, columns: 6))
        #expect(local.candidates[35] == [0, 4, 5, 24, 28, 29, 30, 34])
    }
}

@Suite struct PositiveMatchingTests {
    @Test(arguments: grids, Border.allCases)
    func choosesTheMostSimilar(grid: Grid, border: Border) {
        let window = NeighborWindow(side: 3, border: border, grid: grid)
        let tokens = Tensor.normal([2, grid.count, 8], using: Generator(seed: 11))
        for k in [1, 2, 4, 8] {
            let matching = PositiveMatching(window: window, positiveCount: k, device: .cpu)
            let similarities = matching.similarities(of: tokens)
            let plain = matching.similaritiesByOperations(of: tokens)
            let present = similarities.doubles().enumerated().filter { $0.1.isFinite }
            let others = plain.doubles()
            #expect(present.allSatisfy { abs($0.1 - others[$0.0]) < 1e-5 })

            let count = min(k, window.width)
            let chosen = matching.positives(for: tokens).integers()
            let values = similarities.doubles()
            for row in 0..<2 * grid.count {
                let patch = row % grid.count
                let candidates = window.candidates[patch]
                let mine = Array(values[row * window.width..<(row + 1) * window.width].prefix(candidates.count))
                let order = candidates.indices.sorted { (mine[$0], candidates[$1]) > (mine[$1], candidates[$0]) }
                let expected = order.prefix(count).map { candidates[$0] }
                let ours = chosen[row * count..<(row + 1) * count].filter { $0 != patch }
                #expect(Array(ours) == expected)
            }
        }
    }

    @Test func equallySimilarCandidatesGoByNumber() {
        let grid = Grid(rows: 6, columns: 6)
        let matching = PositiveMatching(
            window: NeighborWindow(side: 3, border: .wrap, grid: grid), positiveCount: 3, device: .cpu)
        let chosen = matching.positives(for: .ones([1, 36, 4])).integers()
        for patch in 0..<36 {
            #expect(Array(chosen[patch * 3..<patch * 3 + 3]) == Array(matching.window.candidates[patch].prefix(3)))
        }
    }
}
