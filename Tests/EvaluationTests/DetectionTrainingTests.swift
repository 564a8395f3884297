import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import TestSupport
import Testing

@Suite struct DetectionSettingsTests {
    @Test func presetsCanBeObeyed() throws {
        for preset in DetectionPreset.all {
            var settings = preset.settings
            (settings.weights, settings.data.folder) = ("weights", "data")
            try settings.validate()
            try settings.model.validate(Architecture(width: 384, depth: 12, heads: 6))
            var tree = try SettingsTree(encoding: DetectionSettings())
            try tree.overlay(yaml: try SettingsTree(encoding: settings).yaml(), source: "text")
            #expect(try tree.decode(DetectionSettings.self) == settings)
        }
        #expect(throws: UserError.self) { try DetectionPreset.named("coco-mask-rcnn-2x") }
        #expect(DetectionPreset.suited(to: .cpu).name == "small-mask-rcnn")
    }

    /// Settings that a file was written without have their defaults; what nobody knows is refused.
    @Test func storedSettingsMayBeOlder() throws {
        try withTemporaryFolder { folder in
            func stored(_ text: String) throws -> DetectionSettings {
                let path = folder.file("settings.safetensors")
                try SafetensorsWriter.write(
                    [.init(name: "one", tensor: .ones([1]))], metadata: ["settings": text], to: path)
                return try DetectionSettings.stored(in: SafetensorsFile(path: path))
            }
            var expected = DetectionSettings()
            (expected.model.channels, expected.views.shortSides) = (96, [224, 320])
            let older = try stored(#"{"model": {"channels": 96}, "views": {"shortSides": [224, 320]}}"#)
            #expect(older == expected)
            let error = #expect(throws: UserError.self) { _ = try stored(#"{"model": {"chanels": 96}}"#) }
            #expect(error?.message.contains("chanels") == true, "\(error?.message ?? "")")
        }
    }

    /// Twelve epochs of 1,000 steps as the authors train: warm-up from a thousandth, a tenth after 8 and after 11.
    @Test func theRateRisesAndDrops() {
        let rule = DetectionSettings.Optimizer()
        func rate(_ step: Int) -> Double { rule.rate(step: step, of: 12_000, stepsPerEpoch: 1_000) / 5e-5 }
        for (step, expected) in [
            (0, 0.001), (500, 0.5005), (999, 0.999001), (1_000, 1), (7_999, 1), (8_000, 0.1), (10_999, 0.1),
            (11_000, 0.01),
            (11_999, 0.01),
        ] {
            #expect(abs(rate(step) - expected) < 1e-9, "step \(step): \(rate(step))")
        }
    }

    /// Biases of the heads decay, and the pyramid's norm; the backbone's norms and its position table do not.
    @Test func whatDecaysIsWhatTheAuthorsLetDecay() {
        let network = Network(
            Architecture(width: 12, depth: 4, heads: 2, patchSize: 16), heads: nil, seed: 0, device: .cpu)
        let groups = ParameterGroups(MaskRCNN(network, MaskRCNNSettings(), classCount: 2, seed: 0), layerDecay: 0.5)
        let names = { (places: [Int]) in Set(places.map { groups.trained[$0].name }) }
        let decaying = names(groups.groups.filter(\.decays).flatMap(\.places))
        let constant = names(groups.groups.filter { !$0.decays }.flatMap(\.places))
        #expect(
            decaying.isSuperset(of: ["boxes.shift.bias", "levels.0.norm.weight", "backbone.blocks.1.attn.qkv.bias"]))
        #expect(
            constant
                == names(
                    groups.trained.indices.filter { place in
                        ["norm", "pos_embed"].contains {
                            groups.trained[place].name.hasPrefix("backbone.") && groups.trained[place].name.contains($0)
                        }
                    }))
        let shares = Dictionary(
            groups.groups.flatMap { group in group.places.map { (groups.trained[$0].name, group.rateShare) } },
            uniquingKeysWith: { one, _ in one })
        #expect(shares["masks.logits.weight"] == 1 && shares["backbone.blocks.3.mlp.fc1.weight"] == 0.5)
        #expect(shares["backbone.pos_embed"] == 0.03125)
    }
}

@Suite struct DetectionOverfitTests {
    /// The overfitting check: eight photographs with at most four objects each, learnt by heart with a drawn backbone.
    @Test(.slow, .requires(SharedData.detection)) func eightPhotographsAreLearnedByHeart() throws {
        let root = try #require(SharedData.detection.path)
        let all = try COCOAnnotations(path: root + "/annotations/instances_train.json").data
        let chosen = all.images.filter { (1...4).contains($0.objects.count) }.prefix(8)
        let data = DetectionTrainingSelection(DetectionData(classes: all.classes, images: Array(chosen))).data
        #expect(data.images.count == 8 && data.objectCount == 24)
        let files = DetectionFiles(data, folder: root + "/images")

        var settings = DetectionPreset.suited(to: .cpu).settings
        settings.model.channels = 64
        settings.model.hiddenWidth = 128
        settings.model.trainingProposals = ProposalSelection(before: 100, after: 100)
        settings.model.proposals = ProposalSelection(before: 100, after: 100)
        settings.model.dropPath = 0
        settings.views.flip = 0
        settings.views.shortSides = [192]
        settings.views.useShortSide = 192
        settings.views.longSide = 320
        settings.optimizer.learningRate = 2e-3
        settings.optimizer.weightDecay = 0
        settings.optimizer.layerDecay = 1
        settings.length = .steps(240)
        settings.atOnce = 4
        let network = Network(
            Architecture(width: 96, depth: 4, heads: 3, patchSize: 8, positionGrid: Grid(rows: 6, columns: 6)),
            heads: nil,
            seed: 1, device: .cpu)
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("run"), settings: "")
            let training = try DetectionTraining(
                settings, network: network, normalization: .imageNet, training: files, in: run, from: nil,
                log: try RunLog(run)
            ) { inference, _ in try DetectionReport(of: inference.results(on: files), masks: true, against: data) }
            #expect(try training.runSteps() == .complete)
            let report = try DetectionReport(of: training.inference.results(on: files), masks: true, against: data)
            let boxes = try #require(report.boxes.score.averagePrecision(threshold: 0))
            let masks = try #require(report.masks?.score.averagePrecision(threshold: 0))
            #expect(boxes >= 0.95 && masks >= 0.9, "AP50 of boxes \(boxes), of masks \(masks)")
        }
    }
}
