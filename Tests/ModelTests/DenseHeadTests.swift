import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import Testing

@Suite struct DenseHeadTests {
    private static func random(_ shape: [Int], _ seed: UInt64 = 1) -> Tensor {
        Tensor.normal(shape, using: Generator(seed: seed))
    }

    private static let training = Phase.training(seed: 3, step: 5)

    // MARK: The pyramid

    @Test(arguments: [4, 8, 14, 16, 32], [Grid(rows: 4, columns: 4), Grid(rows: 5, columns: 9)])
    func levelsHaveTheirStrides(patch: Int, grid: Grid) {
        let pyramid = FeaturePyramid(.strides, width: 6, patchSize: patch, Initializer(seed: 0, device: .cpu))
        let maps = pyramid((0..<4).map { Self.random([2, grid.count, 6], UInt64($0)) }, grid: grid, .use)
        for (map, stride) in zip(maps, FeaturePyramid.strides) {
            #expect(map.shape[0...1] == [2, 6])
            for (side, patches) in [(map.size(2), grid.rows), (map.size(3), grid.columns)] {
                // Whole where sides divide; cells that would reach beyond the patches are left out or rounded.
                #expect(abs(Double(side) - Double(patches * patch) / Double(stride)) < 1, "stride \(stride)")
            }
        }
        let learned = pyramid.parameters.map(\.name)
        switch patch {
        case 8: #expect(learned == ["0.first.weight", "0.first.bias"])
        case 16: #expect(learned.count == 8 && pyramid.buffers.count == 2)
        default: #expect(learned.isEmpty)
        }
    }

    @Test func theReferencePyramidLeavesTokensAlone() {
        let tokens = (0..<4).map { Self.random([1, 6, 5], UInt64($0)) }
        let pyramid = FeaturePyramid(.reference, width: 5, patchSize: 16, Initializer(seed: 0, device: .cpu))
        #expect(pyramid.parameters.isEmpty)
        for (token, map) in zip(tokens, pyramid(tokens, grid: Grid(rows: 2, columns: 3), .use)) {
            for (row, column, channel) in [(0, 0, 0), (1, 2, 4), (0, 2, 1)] {
                let mine = map.selected(0, dimension: 0).selected(channel, dimension: 0).selected(row, dimension: 0)
                    .selected(column, dimension: 0).item()
                #expect(
                    mine
                        == token.selected(0, dimension: 0).selected(row * 3 + column, dimension: 0).selected(
                            channel, dimension: 0
                        ).item())
            }
        }
    }

    /// With convolutions that copy, a level is itself and every coarser one, each pixel repeated.
    @Test func topDownMeansAddingWhatIsAbove() {
        let pyramid = TopDownPyramid(from: [2, 2, 2], to: 2, Initializer(seed: 0, device: .cpu))
        for named in pyramid.parameters {
            named.tensor.fill(with: 0)
            guard named.name.hasSuffix("weight") else { continue }
            let middle = named.tensor.size(2) / 2
            for channel in 0..<2 {
                named.tensor.selected(channel, dimension: 0).selected(channel, dimension: 0).selected(
                    middle, dimension: 0
                ).selected(middle, dimension: 0).fill(
                    with: 1)
            }
        }
        let sides = [12, 6, 3]
        let maps = sides.enumerated().map { Self.random([1, 2, $1, $1], UInt64($0)) }
        let numbers = maps.map { $0.floats() }
        let finest = pyramid(maps)[0].floats()
        for channel in 0..<2 {
            for (row, column) in [(0, 0), (5, 7), (11, 11), (3, 8)] {
                let expected = (0..<3).reduce(Float(0)) { sum, level in
                    let (side, step) = (sides[level], 12 / sides[level])
                    return sum + numbers[level][(channel * side + row / step) * side + column / step]
                }
                #expect(abs(finest[(channel * 12 + row) * 12 + column] - expected) < 1e-5)
            }
        }
    }

    // MARK: The heads

    private static func heads(width: Int, classes: Int) -> [(name: String, head: any DenseHead, levels: Int)] {
        let initializer = Initializer(seed: 7, device: .cpu)
        return [
            ("linear", LinearHead(channels: width, classCount: classes, initializer), 1),
            (
                "semantic-fpn",
                SemanticFPN(
                    width: width, pyramidChannels: 5, channels: 4, classCount: classes, dropout: 0.2, initializer), 4
            ),
            ("upernet", UPerNet(width: width, channels: 4, classCount: classes, dropout: 0.2, initializer), 4),
            (
                "auxiliary",
                AuxiliaryHead(width: width, channels: 4, classCount: classes, dropout: 0.2, initializer), 4
            ),
        ]
    }

    /// Odd sizes, where halves do not fit, and levels that are all alike.
    @Test(arguments: [[16, 8, 4, 2], [13, 7, 4, 2], [5, 5, 5, 5]])
    func scoresLieOnTheFinestGrid(sides: [Int]) {
        for (name, head, levels) in Self.heads(width: 6, classes: 3) {
            let maps = sides.prefix(levels).map { Self.random([2, 6, $0, $0 + 1]) }
            for phase in [Phase.use, Self.training] {
                let side = name == "auxiliary" ? sides[AuxiliaryHead.level] : sides[0]
                #expect(head(maps, phase).shape == [2, 3, side, side + 1], "\(name)")
            }
        }
    }

    /// The loss changes along the gradient as the gradient says: the analytic slope against differences.
    @Test func gradientsAreThoseOfDifferences() {
        for (name, head, levels) in Self.heads(width: 6, classes: 3) {
            let maps = [8, 4, 2, 1].prefix(levels).map { Self.random([3, 6, 2 * $0, 2 * $0], UInt64($0)) }
            let side = head(maps, Self.training).size(2)
            let labels = Tensor((0..<3 * side * side).map { ($0 * 5 + $0 / 7) % 3 }, shape: [3, side, side])
            func loss() -> Tensor { head(maps, Self.training).crossEntropy(labels) }
            for named in head.parameters { named.tensor.requiresGradient = true }
            loss().backward()
            let gradients = head.parameters.map { $0.tensor.gradient }
            #expect(gradients.allSatisfy { $0 != nil }, "\(name): a parameter without a gradient")
            let slope = gradients.compactMap { $0?.squared().sum().item() }.reduce(0, +)
            let step = 0.002 / slope.squareRoot()
            func moved(_ by: Double) -> Double {
                withoutGradients {
                    for (named, gradient) in zip(head.parameters, gradients) {
                        if let gradient { named.tensor.add(gradient, scale: by) }
                    }
                    defer {
                        for (named, gradient) in zip(head.parameters, gradients) {
                            if let gradient { named.tensor.add(gradient, scale: -by) }
                        }
                    }
                    return loss().item()
                }
            }
            let difference = (moved(step) - moved(-step)) / (2 * step)
            #expect(
                abs(difference - slope) < 0.03 * slope, "\(name): \(difference) by differences, \(slope) by gradient")
        }
    }

    /// UPerNet sees the whole image at every place: far pixels change the scores here, in a Semantic FPN of one level they don't.
    @Test func poolingBringsTheWholeImageEverywhere() {
        let heads = Self.heads(width: 6, classes: 3)
        let maps = [32, 16, 8, 4].map { Self.random([1, 6, $0, $0]) }
        let changed = maps.enumerated().map { level, map -> Tensor in
            guard level == 3 else { return map }
            let copy = map.clone()
            copy.narrowed(to: 3..<4, dimension: 2).narrowed(to: 3..<4, dimension: 3).fill(with: 9)
            return copy
        }
        let corner = (heads[2].head(maps, .use) - heads[2].head(changed, .use)).narrowed(to: 0..<1, dimension: 2)
            .narrowed(to: 0..<1, dimension: 3)
        #expect(corner.magnitude().max().item() > 1e-6)
    }

    @Test func dropoutDropsWholeChannelsByKey() {
        let dropout = ChannelDropout(rate: 0.3)
        let maps = Tensor.ones([40, 50, 2, 2])
        let dropped = dropout(maps, Self.training)
        #expect(dropped.floats() == dropout(maps, Self.training).floats())
        #expect(dropped.floats() != dropout(maps, .training(seed: 3, step: 6)).floats())
        #expect(dropout(maps, .use).floats() == maps.floats())
        let values = dropped.floats()
        for channel in stride(from: 0, to: values.count, by: 4) {
            #expect(Set(values[channel..<channel + 4]).count == 1)
            #expect(values[channel] == 0 || abs(values[channel] - 1 / 0.7) < 1e-6)
        }
        #expect(abs(dropped.mean().item() - 1) < 0.05)
    }

    @Test func batchNormLearnsTheStatisticsThatItUses() {
        let norm = BatchNorm(channels: 3, Initializer(seed: 0, device: .cpu))
        let maps = Self.random([4, 3, 5, 6]) * 2 + 1.5
        let normed = norm(maps, Self.training)
        #expect(normed.mean(over: 0, 2, 3).magnitude().max().item() < 1e-5)
        #expect((normed.squared().mean(over: 0, 2, 3) - 1).magnitude().max().item() < 1e-3)
        let mean = maps.mean(over: 0, 2, 3)
        #expect((norm.runningMean - mean * 0.1).magnitude().max().item() < 1e-6)
        for _ in 0..<200 { _ = norm(maps, Self.training) }
        // The running variance is the unbiased one: 120 pixels over 119.
        #expect((norm(maps, .use) - normed * (119.0 / 120).squareRoot()).magnitude().max().item() < 1e-3)
    }
}
