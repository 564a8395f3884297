import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

struct Segment: ParsableCommand {
    /// What turns patch features into classes.
    enum Head: String, CaseIterable, ExpressibleByArgument {
        /// Nearest labelled patches; nothing is trained.
        case knn
        case linear
        case semanticFPN = "semantic-fpn"
        case uperNet = "upernet"
    }

    static let configuration = CommandConfiguration(
        commandName: "segment",
        abstract: "Say how well features tell what each pixel shows: nearest patches, or a trained head.",
        discussion: """
            Images and their label maps share their names:

                DIR/images/training/a.jpg       DIR/annotations/training/a.png
                DIR/images/validation/b.jpg     DIR/annotations/validation/b.png

            Other folders: --set data.trainImages=.. and so on. Label maps hold one number a pixel: grey pictures of at most 8 \
            bits, or PNG files with a palette. DIR/classes.txt may name the classes, one a line.

            knn trains nothing: patches of the training images fill a memory bank, and each validation patch takes its label \
            from the nearest ones, by cosine with weights exp(s / 0.07); it is compared with the class that most of its pixels \
            have.

            linear is batch norm and a 1x1 convolution on frozen patches; semantic-fpn and upernet train a pyramid, and the \
            backbone where they are not --frozen. Everything that is wrong with the data is named before training starts. \
            Predictions are scored at the labels' own size: mIoU, mAcc, aAcc. --output gets settings, log, metrics, \
            checkpoints, results.json, results.txt, predictions.png, confusion.png and segmenter.safetensors. Ctrl-C saves and \
            stops; --resume goes on at the exact step.

            PRESETS
            \(SegmentationPreset.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

            EXAMPLES
              selfpatch segment --head knn --weights runs/streets --data camvid
              selfpatch segment --head knn --weights runs/streets --data ade20k --first-class 1 --ignore 0 --side 384
              selfpatch segment --head linear --weights runs/streets --data camvid --output linear
              selfpatch segment --preset ade20k-semantic-fpn --weights vit-small --data ADEChallengeData2016 --output fpn
              selfpatch segment --preset small-upernet --weights a --data b --output c --set batchSize=4 --train-backbone
              selfpatch segment --resume linear
            """)

    @Option(help: "knn, linear, semantic-fpn or upernet (default: knn, or the preset's).")
    var head: Head?

    @Option(help: NetworkOptions.weightsHelp)
    var weights: String?

    @OptionGroup var use: NetworkOptions

    @Option(help: ArgumentHelp("The folder with images and annotations.", valueName: "dir"))
    var data: String?

    @Option(
        help: ArgumentHelp("The label of the first class; lower ones are no class (default: 0).", valueName: "label"))
    var firstClass: Int?

    @Option(help: ArgumentHelp("The label that stands for no class (default: 255).", valueName: "label"))
    var ignore: Int?

    @Option(help: ArgumentHelp("How many classes there are (default: up to the largest label).", valueName: "n"))
    var classes: Int?

    @Option(help: ArgumentHelp("What is random comes from this number (default: 0).", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The folder for results, and for a trained head's run.", valueName: "dir"))
    var output: String?

    @OptionGroup(title: "OPTIONS OF KNN") var neighbors: SegmentNeighborOptions

    @OptionGroup(title: "OPTIONS OF TRAINED HEADS") var training: SegmentTrainingOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if let classes, !(1...255 ~= classes) {
            throw ValidationError("--classes is \(classes); label maps hold from 1 to 255.")
        }
        if let firstClass, !(0...254 ~= firstClass) {
            throw ValidationError("--first-class is \(firstClass); it is 0 to 254.")
        }
    }

    func run() throws {
        let isTrained = training.resume != nil || training.preset != nil || (head ?? .knn) != .knn
        if isTrained { return try train() }
        guard let weights, let data else {
            throw ValidationError("Name the network with --weights and the labelled images with --data.")
        }
        let files = try neighbors.results(
            of: try use.load(weights), data: data, classes: classes, firstClass: firstClass ?? 0,
            ignored: ignore ?? 255,
            seed: seed ?? 0, output: output)
        files.print(asJSON: json)
    }

    private func train() throws {
        let start = ContinuousClock.now
        let settings = try training.resume.map(settingsToResume) ?? settingsOfOptions()
        guard let folder = training.resume ?? output else {
            throw ValidationError("Name the folder for the run with --output, or a run to go on with by --resume.")
        }
        if training.resume == nil { try RunFolder.checkedForNewRun(at: folder) }
        let limit =
            training.timeLimit?.duration
            ?? (settings.run.timeLimit > 0 ? .seconds(settings.run.timeLimit * 60) : nil)
        let run = try SegmentRun(
            settings, folder: folder, isNew: training.resume == nil, deadline: limit.map { start + $0 })
        try run.finish(asJSON: json)
    }

    private func settingsOfOptions() throws -> SegmentationSettings {
        let kind = head.flatMap { DenseHeadKind(rawValue: $0.rawValue) }
        if head == .knn {
            throw ValidationError("--head knn trains nothing; --preset and --resume are for trained heads.")
        }
        let preset =
            try training.preset.map(SegmentationPreset.named)
            ?? .suited(to: try Device.resolve(use.device), kind ?? .linear)
        var settings = preset.settings
        if let kind, kind != settings.model.head {
            throw ValidationError("--head \(kind.rawValue) contradicts the preset \(preset.name).")
        }
        settings.network = use.network
        settings.heads = use.heads ?? 0
        settings.allowMissing = use.allowMissing
        settings.device = use.device
        settings.threads = use.threads
        if let seed { settings.seed = seed }
        if let firstClass { settings.data.firstClass = firstClass }
        if let ignore { settings.data.ignored = ignore }
        if let classes { settings.data.classes = classes }
        training.overlay(&settings)
        var tree = try SettingsTree(encoding: settings)
        if let config = training.config { try tree.overlay(file: config) }
        if let weights { try tree.set("weights", to: weights, source: "--weights") }
        if let data { try tree.set("data.folder", to: data, source: "--data") }
        for assignment in training.assignments { try tree.set(assignment) }
        settings = try tree.decode(SegmentationSettings.self)
        settings.makePathsAbsolute()
        try settings.validate()
        return settings
    }

    private func settingsToResume(_ path: String) throws -> SegmentationSettings {
        let others: [Any?] = [
            head, weights, data, firstClass, ignore, classes, seed, output, training.preset, training.config,
            training.assignments.first,
        ]
        guard others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--resume goes on with a run as it is: beside it only --time-limit and --json.")
        }
        var tree = try SettingsTree(encoding: SegmentationSettings())
        try tree.overlay(file: try RunFolder(existing: path).settingsFile)
        let settings = try tree.decode(SegmentationSettings.self)
        try settings.validate()
        return settings
    }
}

/// What a trained head is told beside the settings that every head has.
struct SegmentTrainingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Settings to start from (default: one that suits head and device).", valueName: "name"))
    var preset: String?

    @Option(help: ArgumentHelp("A YAML file with settings that differ from the preset's.", valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting of those in a run's settings.yaml, such as optimizer.learningRate=0.001. May be given often.",
            valueName: "key=value"))
    var assignments: [String] = []

    @Option(help: ArgumentHelp("Go on with the run in this folder.", valueName: "dir"))
    var resume: String?

    @Flag(name: .customLong("frozen"), help: "Leave the backbone as it is.")
    var isFrozen = false

    @Flag(help: "Train the backbone along with the head.")
    var trainBackbone = false

    @Option(help: "strides, or reference: the authors' Semantic FPN, all levels at the patch's stride.")
    var pyramid: FeaturePyramid.Kind?

    @Flag(help: "Score the mean over an image and its mirror image.")
    var flip = false

    @Option(help: ArgumentHelp("Save and stop within this time: 90s, 45m, 8h, 2d.", valueName: "time"))
    var timeLimit: TimeLimit?

    func validate() throws {
        if isFrozen, trainBackbone { throw ValidationError("--frozen and --train-backbone exclude each other.") }
    }

    func overlay(_ settings: inout SegmentationSettings) {
        if isFrozen { settings.model.isFrozen = true }
        if trainBackbone { settings.model.isFrozen = false }
        if let pyramid { settings.model.pyramid = pyramid }
        if flip { settings.inference.flip = true }
    }
}

extension FeaturePyramid.Kind: ExpressibleByArgument {}
