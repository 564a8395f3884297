import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import Testing

@Suite struct PositionRuleTests {
    static let grids = [
        Grid(rows: 1, columns: 1), Grid(rows: 1, columns: 7), Grid(rows: 3, columns: 2), Grid(rows: 5, columns: 5),
        Grid(rows: 9, columns: 14), Grid(rows: 23, columns: 4),
    ]

    func table(_ rule: PositionRule, _ grid: Grid = Grid(rows: 5, columns: 5)) -> PositionTable {
        let architecture = Architecture(width: 6, depth: 1, heads: 1, positionGrid: grid, positionRule: rule)
        return PositionTable(architecture, Initializer(seed: 1, device: .cpu))
    }

    /// libtorch resizes pictures by the two rules without the 0.1.
    @Test(arguments: grids) func rulesAgreeWithLibtorch(grid: Grid) {
        for table in [
            table(.bicubicSize), table(.antialiasedSize), table(.antialiasedSize, Grid(rows: 4, columns: 11)),
        ] {
            let picture = table.weight.transposed(1, 2).reshaped(to: [1, 6, table.grid.rows, table.grid.columns])
            let theirs = picture.resizedBicubic(to: grid, antialiased: table.rule == .antialiasedSize)
                .reshaped(to: [1, 6, grid.count]).transposed(1, 2)
            let ours = table.resized(to: grid, viewIsSquare: false)
            #expect((ours - theirs).magnitude().max().item() < 1e-6, "\(table.rule) from \(table.grid) to \(grid)")
        }
    }

    /// In bf16 products are rounded; places are not, or the tokens they are added to would be of bf16 through all blocks.
    @Test func placesStayWhatTheyAreInBF16() {
        let table = table(.scalePlusTenth)
        func places() -> Tensor { table.resized(to: Grid(rows: 3, columns: 2), viewIsSquare: false) }
        let inBF16 = Precision.bf16.run(on: .cpu, places)
        #expect(inBF16.elementType == .float32 && (inBF16 - places()).magnitude().max().item() == 0)
    }

    /// Where every entry is the same, so is every entry of the result: weights sum to 1.
    @Test(arguments: PositionRule.allCases) func constantsStay(rule: PositionRule) {
        let table = table(rule)
        table.weight.fill(with: 0.25)
        for grid in Self.grids {
            let resized = table.resized(to: grid, viewIsSquare: true)
            #expect((resized - Tensor.full([1, grid.count, 6], value: 0.25)).magnitude().max().item() < 1e-6)
        }
    }

    /// The reference leaves a table alone for square views only; the others wherever the grid is its own.
    @Test func tablesAreKeptAsTheirRulesSay() {
        let own = Grid(rows: 5, columns: 5)
        for rule in PositionRule.allCases {
            let table = table(rule)
            #expect(table.resized(to: own, viewIsSquare: true) === table.weight)
            let kept = table.resized(to: own, viewIsSquare: false) === table.weight
            #expect(kept == (rule != .scalePlusTenth))
        }
        let oblong = table(.scalePlusTenth, Grid(rows: 4, columns: 6))
        #expect(oblong.resized(to: Grid(rows: 4, columns: 6), viewIsSquare: false) === oblong.weight)
    }

    /// A view of 20 x 22 pixels at patch 4 has the grid of 20 x 20: other positions by the reference's rule.
    @Test func viewsThatAreNotSquareHaveOtherPositions() {
        var architecture = Architecture(
            width: 6, depth: 1, heads: 1, patchSize: 4, positionGrid: Grid(rows: 5, columns: 5))
        let view = Tensor.normal([1, 3, 20, 20], using: Generator(seed: 3))
        for rule in PositionRule.allCases {
            architecture.positionRule = rule
            let network = Network(architecture, heads: nil, seed: 2, device: .cpu)
            let wide = view.padded([0, 2])
            let difference = network.features(of: view).patches - network.features(of: wide).patches
            #expect((difference.magnitude().max().item() > 1e-4) == (rule == .scalePlusTenth))
        }
    }
}
