import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import Testing

@Suite struct FeatureExtractorTests {
    static func extractor(batchSize: Int = 64, view: ViewSize = ViewSize(square: 48)) -> FeatureExtractor {
        let architecture = Architecture(
            width: 24, depth: 2, heads: 3, patchSize: 8, positionGrid: Grid(rows: 6, columns: 6))
        return FeatureExtractor(
            network: Network(architecture, heads: nil, seed: 3, device: .cpu), view: view, normalization: .imageNet,
            batchSize: batchSize)
    }

    @Test func featuresDoNotDependOnTheBatches() throws {
        let generator = SceneGenerator(seed: 1)
        let together = try Self.extractor(batchSize: 32).features(count: 11) { generator.scene($0).pixels }
        let apart = try Self.extractor(batchSize: 4).features(count: 11) { generator.scene($0).pixels }
        #expect(together.summary.shape == [11, 24] && together.meanPatch.shape == [11, 24])
        for feature in FeatureExtractor.Feature.allCases {
            let difference = (together[feature] - apart[feature]).magnitude().max().item()
            #expect(difference < 1e-5 * max(together[feature].magnitude().max().item(), 1))
        }
        #expect(together.indices == Array(0..<11))
    }

    @Test func blocksStandSideBySideTheLastAtTheEnd() throws {
        let generator = SceneGenerator(seed: 1)
        var extractor = Self.extractor()
        let last = try extractor.features(count: 3) { generator.scene($0).pixels }
        extractor.blockCount = 2
        let both = try extractor.features(count: 3) { generator.scene($0).pixels }
        for feature in FeatureExtractor.Feature.allCases {
            #expect(both[feature].shape == [3, 48])
            let difference = both[feature].narrowed(to: 24..<48, dimension: 1) - last[feature]
            #expect(difference.magnitude().max().item() < 1e-6)
            #expect((both[feature].narrowed(to: 0..<24, dimension: 1) - last[feature]).magnitude().max().item() > 1e-3)
        }
    }

    @Test func imagesThatCannotBeReadAreLeftOutAndNamed() throws {
        let generator = SceneGenerator(seed: 1)
        let extractor = Self.extractor(batchSize: 3)
        let all = try extractor.features(count: 5) { generator.scene($0).pixels }
        var done: [Int] = []
        let some = try extractor.features(count: 5, progress: { done.append($0) }) { index in
            if index == 1 { throw UserError("photo.jpg: ends early") }
            return generator.scene(index).pixels
        }
        #expect(some.indices == [0, 2, 3, 4])
        #expect(some.skipped == [UserError("photo.jpg: ends early")])
        #expect(done == [3, 5])
        let last = (some.summary.narrowed(to: 3..<4, dimension: 0) - all.summary.narrowed(to: 4..<5, dimension: 0))
            .magnitude().max().item()
        #expect(last < 1e-5)
    }

    @Test func nothingToReadIsAnErrorThatNamesTheFirst() {
        #expect(throws: UserError("None of 2 images could be read. The first: a.png: is empty")) {
            try Self.extractor().features(count: 2) { _ in throw UserError("a.png: is empty") }
        }
    }

    @Test func damagedWeightsAreSaid() {
        let extractor = Self.extractor()
        extractor.network.parameters[0].tensor.copy(
            from: Tensor.full(extractor.network.parameters[0].tensor.shape, value: .nan))
        #expect(throws: UserError.self) {
            try extractor.features(count: 1) { SceneGenerator(seed: 1).scene($0).pixels }
        }
    }
}

@Suite struct PatchEvaluationTests {
    @Test(arguments: [
        (PatchEvaluation.Frame.whole(shorterSide: 192), 360, 480, 192, 256),
        (.whole(shorterSide: 50), 100, 100, 48, 48), (.whole(shorterSide: 3), 100, 900, 8, 24),
        (.exact(ViewSize(height: 100, width: 81)), 7, 5, 96, 80),
    ])
    func framesAreWholePatches(frame: PatchEvaluation.Frame, height: Int, width: Int, rows: Int, columns: Int) {
        #expect(frame.size(height: height, width: width, patchSize: 8) == ViewSize(height: rows, width: columns))
    }

    /// Training and validation the same, one neighbour: each patch finds itself.
    @Test func patchesThatAreInTheBankFindThemselves() throws {
        let scenes = LabelledImages.scenes(SceneGenerator(seed: 4), 0..<20)
        var evaluation = PatchEvaluation(
            extractor: FeatureExtractorTests.extractor(batchSize: 6), frame: .whole(shorterSide: 96))
        evaluation.settings.neighborCount = 1
        var done = 0
        let score = try evaluation.score(training: scenes, validation: scenes) { done = $0 }
        #expect(score.total == 20 * 144)
        #expect(try #require(score.accuracy) > 0.99)
        #expect(done == 40)
    }

    @Test func labelsOfAnotherSizeAreRefused() {
        let images = LabelledImages(
            count: 1, classCount: 2, image: { _ in SceneGenerator(seed: 1).scene(0).pixels },
            labels: { _ in Pixels(height: 95, width: 96, channels: 1, bytes: [UInt8](repeating: 0, count: 95 * 96)) })
        #expect(throws: UserError("Image 1 has 96 x 96 pixels, its labels have 95 x 96.")) {
            try PatchEvaluation(extractor: FeatureExtractorTests.extractor(), frame: .whole(shorterSide: 96))
                .score(training: images, validation: images)
        }
    }

    @Test func unlabelledImagesAreRefused() {
        let images = LabelledImages(
            count: 1, classCount: 2, image: { SceneGenerator(seed: 1).scene($0).pixels },
            labels: { _ in Pixels(height: 96, width: 96, channels: 1, bytes: [UInt8](repeating: 255, count: 96 * 96)) })
        #expect(throws: UserError.self) {
            try PatchEvaluation(extractor: FeatureExtractorTests.extractor(), frame: .whole(shorterSide: 96))
                .score(training: images, validation: images)
        }
    }
}
