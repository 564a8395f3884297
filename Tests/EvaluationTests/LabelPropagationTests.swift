import Foundation
import SelfPatchEvaluation
import SelfPatchTensors
import Testing

@Suite struct LabelPropagationTests {
    struct Case: Sendable, CustomStringConvertible {
        let rows: Int
        let columns: Int
        let width: Int
        let radius: Int
        let top: Int
        let previous: Int
        var grid: Grid { Grid(rows: rows, columns: columns) }
        var description: String { "\(grid), width \(width), radius \(radius), top \(top), \(previous) before" }
        var settings: LabelPropagation.Settings {
            var settings = LabelPropagation.Settings()
            settings.windowRadius = radius
            settings.topCount = top
            settings.previousFrames = previous
            return settings
        }
    }

    private static let cases = [
        Case(rows: 1, columns: 1, width: 1, radius: 12, top: 5, previous: 7),
        Case(rows: 2, columns: 3, width: 5, radius: 0, top: 5, previous: 2),
        Case(rows: 5, columns: 9, width: 7, radius: 1, top: 5, previous: 3),
        Case(rows: 1, columns: 40, width: 16, radius: 12, top: 5, previous: 1),
        Case(rows: 40, columns: 1, width: 16, radius: 3, top: 1, previous: 0),
        Case(rows: 9, columns: 17, width: 24, radius: 4, top: 30, previous: 2),
        Case(rows: 13, columns: 31, width: 33, radius: 12, top: 5, previous: 2),
        Case(rows: 7, columns: 8, width: 16, radius: 2, top: 1000, previous: 1),
    ]

    private static func random(_ shape: [Int], seed: UInt64) -> Tensor {
        Tensor.normal(shape, using: Generator(seed: seed))
    }

    /// Shares of three objects, none of them certain.
    private static func shares(_ count: Int, seed: UInt64) -> Tensor { random([count, 3], seed: seed).softmax() }

    /// The script's own way: the whole matrix, everything in double precision.
    private static func scriptLabels(_ item: Case, tokens: [[Double]], labels: [[Double]], next: [Double]) -> [Double] {
        let (count, width) = (item.grid.count, item.width)
        func unit(_ values: [Double], _ patch: Int) -> [Double] {
            let row = values[patch * width..<(patch + 1) * width]
            let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return row.map { $0 / length }
        }
        var result: [Double] = []
        for query in 0..<count {
            let asked = unit(next, query)
            var affinities: [(Double, [Double])] = []
            for (frame, values) in tokens.enumerated() {
                for source in 0..<count {
                    let rowsApart = abs(query / item.columns - source / item.columns)
                    let columnsApart = abs(query % item.columns - source % item.columns)
                    let isNear = item.radius == 0 || max(rowsApart, columnsApart) <= item.radius
                    let cosine = zip(asked, unit(values, source)).reduce(0) { $0 + $1.0 * $1.1 }
                    let label = Array(labels[frame][source * 3..<source * 3 + 3])
                    affinities.append((isNear ? exp(cosine / 0.1) : 0, label))
                }
            }
            let least = affinities.map(\.0).sorted(by: >)[min(item.top, affinities.count) - 1]
            let kept = affinities.filter { $0.0 >= least }
            let sum = kept.reduce(0) { $0 + $1.0 }
            for object in 0..<3 { result.append(kept.reduce(0) { $0 + $1.0 * $1.1[object] } / sum) }
        }
        return result
    }

    @Test(arguments: cases, [true, false])
    func kernelAndTensorOperationsAreTheScript(item: Case, usingKernel: Bool) {
        let count = item.grid.count
        let tokens = (0..<5).map { Self.random([count, item.width], seed: UInt64(10 + $0)) }
        let first = Self.shares(count, seed: 3)
        var propagation = LabelPropagation(
            settings: item.settings, grid: item.grid, tokens: tokens[0], labels: first, usingKernel: usingKernel)
        var known = [(tokens[0].doubles(), first.doubles())]
        for frame in 1..<5 {
            let found = propagation.propagate(to: tokens[frame]).doubles()
            let remembered = [known[0]] + known.dropFirst().suffix(item.previous)
            let expected = Self.scriptLabels(
                item, tokens: remembered.map(\.0), labels: remembered.map(\.1), next: tokens[frame].doubles())
            let furthest = zip(found, expected).map { abs($0 - $1) }.max() ?? 1
            #expect(furthest < 2e-5, "frame \(frame)")
            known.append((tokens[frame].doubles(), found))
        }
    }

    /// Five of nine equal neighbours are asked for, and all nine vote.
    @Test(arguments: [true, false]) func whatEqualsTheLastVotesToo(usingKernel: Bool) {
        let grid = Grid(rows: 3, columns: 3)
        var settings = LabelPropagation.Settings()
        settings.windowRadius = 1
        let tokens = Tensor.full([9, 4], value: 0.5)
        let labels = Tensor((0..<9).map { Float($0) }, shape: [9, 1])
        var propagation = LabelPropagation(
            settings: settings, grid: grid, tokens: tokens, labels: labels, usingKernel: usingKernel)
        let found = propagation.propagate(to: tokens).floats()
        #expect(found[4] == 4)
        #expect(found[0] == 2)
        #expect(found[5] == 4.5)
    }

    /// A map of labels as `[patches, 4]` of 0 and 1.
    private static func certain(_ labels: [Int]) -> Tensor {
        var values = [Float](repeating: 0, count: labels.count * 4)
        for (place, label) in labels.enumerated() { values[place * 4 + label] = 1 }
        return Tensor(values, shape: [labels.count, 4])
    }

    @Test func aStaticVideoKeepsItsMask() {
        let grid = Grid(rows: 11, columns: 19)
        let labels = (0..<grid.count).map { ($0 * 7 + $0 / 19) % 4 }
        let tokens = Self.random([grid.count, 64], seed: 5)
        var propagation = LabelPropagation(grid: grid, tokens: tokens, labels: Self.certain(labels))
        for _ in 0..<12 {
            #expect(propagation.propagate(to: tokens).argMax(over: 1).integers() == labels)
        }
    }

    /// Everything moves one row down and two columns to the right, round the borders; what has not just come round is followed.
    @Test func aTranslatedVideoMovesItsMask() {
        let grid = Grid(rows: 12, columns: 20)
        var labels = Tensor((0..<grid.count).map { ($0 * 5 + $0 / 20) % 4 }, shape: [12, 20])
        var tokens = Self.random([12, 20, 64], seed: 6)
        var isOld = Tensor.ones([12, 20])
        var settings = LabelPropagation.Settings()
        settings.windowRadius = 3
        var propagation = LabelPropagation(
            settings: settings, grid: grid, tokens: tokens.reshaped(to: [grid.count, 64]),
            labels: Self.certain(labels.integers()))
        for _ in 0..<5 {
            labels = labels.rolled([1, 2], dimensions: [0, 1])
            tokens = tokens.rolled([1, 2], dimensions: [0, 1])
            isOld = isOld.rolled([1, 2], dimensions: [0, 1])
            isOld.narrowed(to: 0..<1, dimension: 0).fill(with: 0)
            isOld.narrowed(to: 0..<2, dimension: 1).fill(with: 0)
            let found = propagation.propagate(to: tokens.reshaped(to: [grid.count, 64])).argMax(over: 1).integers()
            for (place, old) in isOld.floats().enumerated() where old == 1 {
                #expect(found[place] == labels.integers()[place])
            }
        }
    }

    /// The same shares whatever the number of threads, to the bit.
    @Test func sharesDoNotDependOnThreads() {
        let grid = Grid(rows: 9, columns: 30)
        let tokens = (0..<3).map { Self.random([grid.count, 40], seed: UInt64(20 + $0)) }
        func run(threads: Int) -> [Float] {
            let before = Libtorch.threadCount
            Libtorch.threadCount = threads
            defer { Libtorch.threadCount = before }
            var propagation = LabelPropagation(
                grid: grid, tokens: tokens[0], labels: Self.shares(grid.count, seed: 1))
            _ = propagation.propagate(to: tokens[1])
            return propagation.propagate(to: tokens[2]).floats()
        }
        #expect(run(threads: 1) == run(threads: 2))
    }
}
