import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import Testing

@Suite struct SegmenterTests {
    private static func network(patch: Int = 8, depth: Int = 3) -> Network {
        let architecture = Architecture(
            width: 12, depth: depth, heads: 2, patchSize: patch, positionGrid: Grid(rows: 4, columns: 4))
        return Network(architecture, heads: nil, seed: 2, device: .cpu)
    }

    private static func segmenter(
        _ head: DenseHeadKind, patch: Int = 8, frozen: Bool = true, seed: UInt64 = 1,
        change: (inout SegmenterSettings) -> Void = { _ in }
    ) -> Segmenter {
        var settings = SegmenterSettings()
        settings.head = head
        settings.isFrozen = frozen
        settings.pyramidChannels = 6
        settings.channels = 5
        settings.auxiliaryChannels = 4
        change(&settings)
        return Segmenter(network(patch: patch), settings, classCount: 4, seed: seed)
    }

    private static func views(_ height: Int, _ width: Int, images: Int = 2) -> Tensor {
        Tensor.normal([images, 3, height, width], using: Generator(seed: 4))
    }

    /// Any size is scored at each of its pixels, whole patches or not.
    @Test(arguments: DenseHeadKind.allCases, [(32, 32), (45, 70), (33, 64)])
    func everyPixelIsScored(head: DenseHeadKind, size: (Int, Int)) {
        let logits = Self.segmenter(head).logits(of: Self.views(size.0, size.1))
        #expect(logits.shape == [2, 4, size.0, size.1])
        #expect(logits.isFinite)
    }

    /// What is filled up beyond a view does not change the scores of the patches before it, where no head mixes patches.
    @Test func fillingIsNothing() {
        let segmenter = Self.segmenter(.linear)
        let view = Self.views(32, 27)
        let filled = view.padded([0, 5, 0, 0])
        let difference = segmenter.logits(of: view) - segmenter.logits(of: filled).narrowed(to: 0..<27, dimension: 3)
        #expect(difference.magnitude().max().item() < 1e-6)
    }

    /// mmsegmentation's mean: over all pixels, those without a class adding nothing.
    @Test func theLossIsTheMeanOverAllPixels() {
        let segmenter = Self.segmenter(.linear)
        for named in segmenter.parameters { named.tensor.requiresGradient = true }
        let views = Self.views(16, 16, images: 1)
        var numbers = (0..<256).map { $0 % 4 }
        let phase = Phase.training(seed: 0, step: 0)
        let whole = segmenter.loss(views, Tensor(numbers, shape: [1, 16, 16]), labelledShare: 1, phase).item()
        #expect(abs(whole - 1.386) < 0.1, "log of 4 classes at the start, \(whole)")
        for place in 0..<128 { numbers[place] = Segmenter.unlabelled }
        let half = segmenter.loss(views, Tensor(numbers, shape: [1, 16, 16]), labelledShare: 0.5, phase).item()
        #expect(abs(half - whole / 2) < 0.05)
        let none = segmenter.loss(
            views, Tensor.full([1, 16, 16], value: 255, type: .int64), labelledShare: 0, phase)
        #expect(none.item() == 0)
        none.backward()
        #expect(segmenter.parameters.allSatisfy { $0.tensor.gradient?.magnitude().max().item() == 0 })
    }

    @Test(arguments: DenseHeadKind.allCases) func aFrozenBackboneIsNotTrained(head: DenseHeadKind) {
        for frozen in [true, false] {
            let segmenter = Self.segmenter(head, frozen: frozen)
            for named in segmenter.parameters { named.tensor.requiresGradient = true }
            let labels = Tensor((0..<2 * 32 * 32).map { $0 % 4 }, shape: [2, 32, 32])
            segmenter.loss(Self.views(32, 32), labels, labelledShare: 1, .training(seed: 0, step: 0)).backward()
            let trained = segmenter.parameters.contains { $0.name.hasPrefix("backbone") }
            #expect(trained == !frozen)
            let moved = segmenter.network.backbone.parameters.filter { $0.tensor.gradient != nil }
            #expect(moved.isEmpty == frozen)
            #expect(
                segmenter.parameters.filter { !$0.name.hasPrefix("backbone") }.allSatisfy { $0.tensor.gradient != nil })
        }
    }

    @Test(arguments: DenseHeadKind.allCases) func stateIsAllThatThereIs(head: DenseHeadKind) {
        let (first, second) = (Self.segmenter(head), Self.segmenter(head, seed: 9))
        let views = Self.views(32, 40)
        let labels = Tensor.zeros([2, 32, 40], type: .int64)
        _ = first.loss(views, labels, labelledShare: 1, .training(seed: 0, step: 0))  // Moves running statistics.
        #expect(first.logits(of: views).floats() != second.logits(of: views).floats())
        #expect(first.state.map(\.name) == second.state.map(\.name))
        #expect(Set(first.state.map(\.name)).count == first.state.count)
        for (mine, theirs) in zip(first.state, second.state) { theirs.tensor.copy(from: mine.tensor) }
        #expect(first.logits(of: views).floats() == second.logits(of: views).floats())
    }

    @Test func blocksSuitTheHead() throws {
        var settings = SegmenterSettings()
        for (head, depth, blocks) in [
            (DenseHeadKind.linear, 12, [12]), (.semanticFPN, 12, [3, 6, 9, 12]), (.uperNet, 12, [4, 6, 8, 12]),
            (.semanticFPN, 4, [1, 2, 3, 4]), (.uperNet, 24, [8, 12, 16, 24]), (.uperNet, 2, [1, 1, 1, 2]),
        ] {
            settings.head = head
            #expect(settings.blocks(depth: depth) == blocks)
        }
        settings.blocks = [3, 9]
        let network = Self.network().architecture
        #expect(throws: UserError.self) { try settings.validate(network) }
        settings.blocks = [1, 2, 3, 3]
        try settings.validate(network)
    }
}
