import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import TestSupport
import Testing

@Suite struct SegmentationInferenceTests {
    private static func inference(
        _ change: (inout SegmentationInference.Settings) -> Void = { _ in }
    ) -> SegmentationInference {
        let architecture = Architecture(
            width: 12, depth: 2, heads: 2, patchSize: 8, positionGrid: Grid(rows: 4, columns: 4))
        let segmenter = Segmenter(
            Network(architecture, heads: nil, seed: 1, device: .cpu), SegmenterSettings(), classCount: 5, seed: 2)
        var settings = SegmentationInference.Settings()
        settings.window = 32
        settings.stride = 20
        change(&settings)
        var views = SegmentationViewSettings()
        views.shortSide = 48
        views.longSide = 200
        return SegmentationInference(segmenter, settings, views: views, normalization: .imageNet)
    }

    @Test(arguments: [1, 31, 32, 33, 52, 53, 100, 333], [(32, 20), (32, 32), (7, 1)])
    func windowsCoverEveryPixelAndStayInside(length: Int, window: (Int, Int)) {
        var settings = SegmentationInference.Settings()
        (settings.window, settings.stride) = window
        let windows = SegmentationInference.windows(length, settings)
        var covered = [Bool](repeating: false, count: length)
        for range in windows {
            #expect(range.count == min(length, settings.window) && range.lowerBound >= 0 && range.upperBound <= length)
            for place in range { covered[place] = true }
        }
        #expect(covered.allSatisfy { $0 })
        #expect(Set(windows).count == windows.count)
    }

    @Test func aWindowAsLargeAsTheImageIsTheImage() {
        let image = SceneGenerator(seed: 1).scene(0).pixels
        #expect(
            Self.inference().classes(of: image)
                == Self.inference {
                    $0.mode = .slide; $0.window = 48; $0.stride = 48
                }.classes(of: image))
        #expect(Self.inference { $0.mode = .slide }.classes(of: image).count == 96 * 96)
    }

    @Test func aMirroredImageHasMirroredScores() {
        let view = Tensor.normal([1, 3, 40, 56], using: Generator(seed: 3))
        let inference = Self.inference { $0.flip = true }
        let (there, back) = (inference.scores(of: view), inference.scores(of: view.flipped([3])).flipped([3]))
        #expect((there - back).magnitude().max().item() < 1e-5)
        #expect((there.sum(over: 1) - 1).magnitude().max().item() < 1e-5)
    }

    @Test func classesEnlargedInPartsAreThoseEnlargedAtOnce() {
        let image = SceneGenerator(seed: 2).scene(3).pixels
        var parts = Self.inference()
        parts.enlargedAtOnce = 2 * 96 * 96
        #expect(parts.classes(of: image) == Self.inference().classes(of: image))
    }

    @Test func windowsWithGapsAreRefused() {
        var settings = SegmentationSettings()
        settings.weights = "w"
        settings.data.folder = "d"
        settings.inference.stride = 600
        let error = #expect(throws: UserError.self) { try settings.validate() }
        #expect(error?.message.contains("inference.stride 600") == true)
    }
}

@Suite struct SegmentationSettingsTests {
    @Test func everySettingIsDescribed() throws {
        func names(_ tree: SettingsTree) -> Set<String> {
            Set(
                tree.paths.flatMap { path in
                    let parts = path.split(separator: ".")
                    return (1...parts.count).map { parts.prefix($0).joined(separator: ".") }
                })
        }
        #expect(
            Set(SegmentationSettings.descriptions.keys) == names(try SettingsTree(encoding: SegmentationSettings())))
        #expect(Set(LinearSettings.descriptions.keys) == names(try SettingsTree(encoding: LinearSettings())))
        #expect(Set(DetectionSettings.descriptions.keys) == names(try SettingsTree(encoding: DetectionSettings())))
    }

    @Test func presetsAreValidAndTheRecipesAreThePapers() throws {
        for preset in SegmentationPreset.all {
            var settings = preset.settings
            settings.weights = "w"
            settings.data.folder = "d"
            try settings.validate()
            let text = try SettingsTree(encoding: settings).yaml()
            var tree = try SettingsTree(encoding: SegmentationSettings())
            try tree.overlay(yaml: text, source: "text")
            #expect(try tree.decode(SegmentationSettings.self) == settings)
        }
        let fpn = try SegmentationPreset.named("ade20k-semantic-fpn").settings
        #expect(fpn.length == .steps(40_000) && fpn.batchSize == 16 && fpn.model.blocks(depth: 12) == [3, 6, 9, 12])
        #expect(fpn.optimizer.learningRate == 6e-5 && fpn.optimizer.weightDecay == 0.01 && !fpn.model.isFrozen)
        #expect(fpn.optimizer.warmupSteps == 1_500 && fpn.model.pyramidChannels == 256 && fpn.model.headChannels == 128)
        let uper = try SegmentationPreset.named("ade20k-upernet").settings
        #expect(uper.length == .steps(160_000) && uper.model.blocks(depth: 12) == [4, 6, 8, 12])
        #expect(uper.model.headChannels == 512 && uper.inference.mode == .slide && uper.inference.stride == 341)
        let error = #expect(throws: UserError.self) { try SegmentationPreset.named("ade20k-upernett") }
        #expect(error?.message.contains("Did you mean 'ade20k-upernet'?") == true)
    }

    /// mmcv's rule, written out.
    @Test func ratesWarmUpThenFall() {
        let optimizer = SegmentationSettings.Optimizer()
        #expect(abs(optimizer.rate(step: 0, of: 40_000) - 6e-11) < 1e-15)
        #expect(
            abs(optimizer.rate(step: 750, of: 40_000) - 6e-5 * (1 - 750.0 / 40_000) * (1 - 0.5 * (1 - 1e-6))) < 1e-15)
        #expect(abs(optimizer.rate(step: 1_500, of: 40_000) - 6e-5 * (1 - 1_500.0 / 40_000)) < 1e-15)
        #expect(abs(optimizer.rate(step: 39_999, of: 40_000) - 6e-5 / 40_000) < 1e-15)
    }

    @Test func normsAndPositionsDoNotDecayAndLowerBlocksAreSlower() {
        let architecture = Architecture(width: 8, depth: 2, heads: 2, patchSize: 8, hasClassToken: true)
        var settings = SegmenterSettings()
        settings.isFrozen = false
        settings.head = .semanticFPN
        let segmenter = Segmenter(
            Network(architecture, heads: nil, seed: 1, device: .cpu), settings, classCount: 3, seed: 1)
        let groups = ParameterGroups(segmenter, layerDecay: 0.5)
        var share: [String: Double] = [:]
        var decays: [String: Bool] = [:]
        for group in groups.groups {
            for place in group.places {
                share[groups.trained[place].name] = group.rateShare
                decays[groups.trained[place].name] = group.decays
            }
        }
        #expect(share.count == groups.trained.count)
        #expect(share["backbone.pos_embed"] == 0.125 && share["backbone.patch_embed.proj.weight"] == 0.125)
        #expect(share["backbone.blocks.0.attn.qkv.weight"] == 0.25 && share["backbone.blocks.1.mlp.fc1.bias"] == 0.5)
        #expect(share["head.scores.weight"] == 1)
        #expect(decays["backbone.pos_embed"] == false && decays["backbone.cls_token"] == false)
        #expect(decays["backbone.blocks.0.norm1.weight"] == false && decays["head.levels.0.0.norm.weight"] == false)
        #expect(
            decays["backbone.blocks.0.attn.qkv.weight"] == true && decays["backbone.blocks.0.attn.qkv.bias"] == true)
    }
}

@Suite struct SegmentationOverfitTests {
    /// The overfitting check: each head learns eight drawn scenes by heart, 0.95 mIoU at their own size.
    @Test(arguments: DenseHeadKind.allCases) func eightImagesAreLearnedByHeart(head: DenseHeadKind) throws {
        try withTemporaryFolder { folder in
            var scenes = SceneGenerator.Settings()
            scenes.side = 48
            scenes.things = 1...1
            scenes.reach = 0.6...0.9
            scenes.clutter = 0...0
            let generator = SceneGenerator(seed: 11, settings: scenes)
            let source = SampleSource<LabelledImage>(
                count: 8, name: { "scene \($0)" },
                read: {
                    let scene = generator.scene($0 % 4 + $0 / 4 * 10)  // Two of each of four kinds.
                    return LabelledImage(image: scene.pixels, labels: scene.maskPixels)
                }, skip: { throw $1 })
            var settings = SegmentationSettings()
            settings.model.head = head
            settings.model.isFrozen = false
            settings.model.dropPath = 0
            settings.model.dropout = 0
            settings.model.pyramidChannels = 32
            settings.model.channels = 32
            settings.model.auxiliaryChannels = 16
            settings.views.crop = ViewSize(square: 48)
            settings.views.shortSide = 48
            settings.views.longSide = 48
            settings.views.scale = 1...1
            settings.views.flip = 0
            settings.views.distortion = 0
            settings.optimizer.learningRate = 0.03
            settings.optimizer.warmupSteps = 10
            settings.length = .steps(head == .linear ? 120 : 220)
            settings.batchSize = 8
            let architecture = Architecture(
                width: 32, depth: 2, heads: 2, patchSize: 4, positionGrid: Grid(rows: 12, columns: 12))
            let run = try RunFolder.create(at: folder.file("run"), settings: "")
            let training = try SegmentationTraining(
                settings, network: Network(architecture, heads: nil, seed: 1, device: .cpu),
                normalization: .imageNet, training: source, validation: source, classes: ClassList(count: 5),
                in: run, from: nil, log: try RunLog(run))
            #expect(try training.runSteps() == .complete)
            let matrix = try training.confusion()
            let score = try #require(matrix.meanIntersectionOverUnion)
            #expect(score >= 0.95, "\(head.rawValue): \(score)")
        }
    }
}
