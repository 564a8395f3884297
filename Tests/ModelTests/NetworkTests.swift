import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import Testing

@Suite struct NetworkTests {
    private static let architecture = Architecture(
        width: 24, depth: 2, heads: 3, patchSize: 4, channels: 3, positionGrid: Grid(rows: 5, columns: 5))

    @Test(arguments: [(20, 20), (12, 12), (20, 8), (8, 31), (41, 19)])
    func anyViewThatHoldsAPatch(height: Int, width: Int) {
        let network = Network(Self.architecture, heads: nil, seed: 1, device: .cpu)
        let features = network.features(of: .normal([2, 3, height, width], using: Generator(seed: 2)))
        #expect(features.grid == Grid(rows: height / 4, columns: width / 4))
        #expect(features.patches.shape == [2, features.grid.count, 24])
        #expect(features.imageSummary.shape == [2, 24])
        #expect(features.imageSummary.isFinite && features.patches.isFinite)
    }

    @Test(arguments: [1, 2, 5]) func anyNumberOfChannels(channels: Int) {
        var architecture = Self.architecture
        architecture.channels = channels
        let network = Network(architecture, heads: nil, seed: 1, device: .cpu)
        #expect(network.features(of: .zeros([1, channels, 20, 20])).patches.shape == [1, 25, 24])
    }

    /// The embedding sees whole patches, row by row: a convolution says the same.
    @Test func patchEmbeddingIsAConvolution() throws {
        let embedding = PatchEmbedding(Self.architecture, Initializer(seed: 3, device: .cpu))
        let views = Tensor.normal([2, 3, 18, 23], using: Generator(seed: 4))
        let ours = embedding(views)
        let theirs = views.convolved(embedding.weight, embedding.bias, stride: 4)
        let difference = ours - theirs.reshaped(to: [2, 24, 20]).transposed(1, 2)
        #expect(difference.magnitude().max().item() < 1e-5)
    }

    /// The kernels of the teacher's class attention give what its tensor operations give, which gradients force.
    @Test(arguments: Border.allCases) func kernelsAgreeWithTensorOperations(border: Border) throws {
        let network = Network(Self.architecture, heads: nil, seed: 5, device: .cpu)
        for parameter in network.parameters {  // wide, so that every part matters
            parameter.tensor.copy(
                from: parameter.tensor
                    + Tensor.normal(parameter.tensor.shape, deviation: 0.3, using: Generator(seed: 6)))
        }
        let aggregation = try #require(network.aggregation)
        let tokens = Tensor.normal([3, 20, 24], using: Generator(seed: 7))
        let window = NeighborWindow(side: 3, border: border, grid: Grid(rows: 4, columns: 5))
        for k in [1, 4, 8] {
            let matching = PositiveMatching(window: window, positiveCount: k, device: .cpu)
            let fast = withoutGradients { aggregation.targets(of: tokens, matching) }
            let traced = tokens.clone()
            traced.requiresGradient = true
            let plain = aggregation.targets(of: traced, matching)
            #expect((fast.patches - plain.patches.detached()).magnitude().max().item() < 2e-5)
            #expect((fast.summary - plain.summary.detached()).magnitude().max().item() < 2e-5)
        }
    }

    /// A patch's target is the pooling of its positives alone: with k = 8 it equals the summary of those eight tokens.
    @Test func targetsPoolPositivesOnly() throws {
        let network = Network(Self.architecture, heads: nil, seed: 8, device: .cpu)
        let aggregation = try #require(network.aggregation)
        let tokens = Tensor.normal([1, 36, 24], using: Generator(seed: 9))
        let window = NeighborWindow(side: 3, border: .wrap, grid: Grid(rows: 6, columns: 6))
        let matching = PositiveMatching(window: window, positiveCount: 8, device: .cpu)
        let targets = withoutGradients { aggregation.targets(of: tokens, matching).patches }
        for patch in [0, 7, 35] {
            let chosen = tokens.rows(Tensor(window.candidates[patch], shape: [8]), dimension: 1)
            let summary = aggregation.summary(of: chosen)
            #expect((summary - targets.selected(patch, dimension: 1)).magnitude().max().item() < 1e-5)
        }
    }

    /// Half the digits, nearly the same features, and float32 for whoever uses them.
    @Test(arguments: [(Precision.bf16, 0.05), (.float16, 0.01)])
    func featuresInLowerPrecisionAreNear(precision: Precision, bound: Double) {
        let network = Network(Self.architecture, heads: nil, seed: 4, device: .cpu)
        let views = Tensor.normal([2, 3, 24, 16], using: Generator(seed: 6))
        let exact = network.features(of: views)
        network.featurePrecision = precision
        let coarse = network.features(of: views)
        for (a, b) in [(exact.patches, coarse.patches), (exact.imageSummary, coarse.imageSummary)] {
            #expect(b.elementType == .float32)
            let difference = (a - b).magnitude().max().item() / a.magnitude().max().item()
            #expect(difference < bound && difference > 1e-6, "\(difference)")
        }
    }

    @Test func networksOfOneSeedAreEqual() {
        let a = Network(
            Self.architecture, heads: HeadSizes(imagePrototypes: 8, patchPrototypes: 8), seed: 3, device: .cpu)
        let b = Network(
            Self.architecture, heads: HeadSizes(imagePrototypes: 8, patchPrototypes: 8), seed: 3, device: .cpu)
        for (x, y) in zip(a.parameters, b.parameters) { #expect(x.tensor.floats() == y.tensor.floats()) }
    }
}

@Suite struct ArchitectureTests {
    /// Counts of the published sizes at patch 16, 224 x 224 and three channels, gains counted.
    @Test(arguments: [
        (Architecture.Size.tiny, 5_523_648, 890_304, 21_958_912, 6_168_832),
        (.small, 21_664_128, 3_550_080, 22_352_128, 6_562_048),
        (.base, 85_795_584, 14_178_048, 23_138_560, 7_348_480),
    ])
    func parameterCounts(size: Architecture.Size, backbone: Int, aggregation: Int, image: Int, patch: Int) {
        let network = Network(
            Architecture(width: size.width, depth: size.depth, heads: size.heads), heads: HeadSizes(), seed: 0,
            device: .cpu)
        func count(_ prefix: String) -> Int {
            network.parameters.filter { $0.name.hasPrefix(prefix) }.reduce(0) { $0 + $1.tensor.count }
        }
        #expect(count("backbone.") == backbone)
        #expect(count("ca_head.") == aggregation)
        #expect(count("c_head.") == image)
        #expect(count("p_head.") == patch)
    }
}
