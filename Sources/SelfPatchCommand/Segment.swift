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

            With the run of a trained head as --weights nothing is trained: --data scores it again, on other images too, and \
            --predict labels a folder of images, as the run's settings say. The maps are PNG files with the classes' palette and \
            the labels that were trained on: labels/a.png for a.jpg, with --overlays also overlays/a.png. Images that cannot be \
            read are named; the same command goes on where it was stopped.

            PRESETS
            \(SegmentationPreset.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

            EXAMPLES
              selfpatch segment --head knn --weights runs/streets --data camvid
              selfpatch segment --head knn --weights runs/streets --data ade20k --first-class 1 --ignore 0 --side 384
              selfpatch segment --head linear --weights runs/streets --data camvid --output linear
              selfpatch segment --preset ade20k-semantic-fpn --weights vit-small --data ADEChallengeData2016 --output fpn
              selfpatch segment --preset small-upernet --weights a --data b --output c --set batchSize=4 --train-backbone
              selfpatch segment --resume linear
              selfpatch segment --weights linear --data other-streets --output scores
              selfpatch segment --weights linear --data camvid --set data.validationImages=camvid/images/training \
            --set data.validationLabels=camvid/annotations/training --flip
              selfpatch segment --weights linear --predict photos --output maps --overlays
            """)

    @Option(help: "knn, linear, semantic-fpn or upernet (default: knn, or the preset's).")
    var head: Head?

    @Option(
        help: ArgumentHelp(
            "\(NetworkOptions.weightsHelp.abstract) Or the folder of a run with a trained head, or its segmenter.safetensors.",
            valueName: "run|file|dir"))
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

    @OptionGroup(title: "OPTIONS OF TRAINED HEADS") var options: RunOptions

    @OptionGroup(title: "OPTIONS OF LABELLING") var prediction: SegmentPredictionOptions

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
        let isTrained = options.resume != nil || training.preset != nil || (head ?? .knn) != .knn
        if let weights, !isTrained, try prediction.folder != nil || TrainedSegmenter.file(at: weights) != nil {
            return try useTrained(weights)
        }
        guard prediction.folder == nil, !prediction.paintsOverlays else {
            throw ValidationError(
                "--predict and --overlays take a head that is trained already: name its run with --weights, and leave --head, "
                    + "--preset and --resume out.")
        }
        if isTrained { return try train() }
        guard options.timeLimit == nil, training.given.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--head knn trains nothing, so --frozen, --train-backbone, --pyramid, --flip and --time-limit have no meaning."
            )
        }
        guard let weights else {
            throw ValidationError("Name the network with --weights and the labelled images with --data.")
        }
        let labelled = try labelledImages(for: weights)
        let files = try neighbors.results(of: try use.load(weights), labelled, seed: seed ?? 0, output: output)
        files.print(asJSON: json)
    }

    /// Settings of which nearest patches need those of the data alone.
    private func labelledImages(for weights: String) throws -> SegmentationSettings {
        var tree = try SettingsTree(encoding: SegmentationSettings())
        let before = tree
        try options.overlay(&tree)
        let refused = before.changes(in: tree, besides: ["data."])
        guard refused.isEmpty else {
            throw ValidationError(
                "--head knn trains nothing, so \(refused.joined(separator: ", ")) has no meaning; data.* has.")
        }
        var settings = try tree.decode(SegmentationSettings.self)
        settings.weights = weights
        overlay(&settings.data)
        try settings.validate()
        return settings
    }

    private func overlay(_ settings: inout SegmentationSettings.Data) {
        if let data { settings.folder = data }
        if let firstClass { settings.firstClass = firstClass }
        if let ignore { settings.ignored = ignore }
        if let classes { settings.classes = classes }
    }

    /// Scores a trained head, or labels images with it.
    private func useTrained(_ weights: String) throws {
        let others: [Any?] =
            [head, seed, options.timeLimit, training.pyramid, training.isFrozen.given, training.trainBackbone.given]
        guard !use.isGiven, others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "\(weights) holds a head that is trained already: leave out what says how to train one, or which network to take."
            )
        }
        let trained = try SegmenterUse(weights, device: try use.machine.prepared()) { tree in
            try options.overlay(&tree)
            for (path, value) in [
                ("data.folder", data), ("data.firstClass", firstClass.map(String.init)),
                ("data.ignored", ignore.map(String.init)), ("data.classes", classes.map(String.init)),
                ("inference.flip", training.flip ? "true" : nil),
            ] {
                if let value { try tree.set(path, to: value, source: "the command line") }
            }
        }
        guard let folder = prediction.folder else {
            if prediction.paintsOverlays { throw ValidationError("--overlays belongs to --predict.") }
            return try trained.score(output: output, asJSON: json)
        }
        guard let output else { throw ValidationError("Name the folder for the label maps with --output.") }
        try trained.label(folder, output: output, overlays: prediction.paintsOverlays, asJSON: json)
    }

    private func train() throws {
        let others: [Any?] = [head, data, firstClass, ignore, classes, training.preset] + training.given
        let run = HeadTraining(options: options, use: use, weights: weights, seed: seed, output: output, json: json)
        try run.run(SegmentRun.self, others: others, from: preset) { settings in
            overlay(&settings.data)
            training.overlay(&settings)
        }
    }

    /// The settings that a new run starts from.
    private func preset() throws -> SegmentationSettings {
        let kind = head.flatMap { DenseHeadKind(rawValue: $0.rawValue) }
        if head == .knn {
            throw ValidationError("--head knn trains nothing; --preset and --resume are for trained heads.")
        }
        let preset =
            try training.preset.map(SegmentationPreset.named)
            ?? .suited(to: try Device.resolve(use.machine.device ?? "auto"), kind ?? .linear)
        if let kind, kind != preset.settings.model.head {
            throw ValidationError("--head \(kind.rawValue) contradicts the preset \(preset.name).")
        }
        return preset.settings
    }
}

/// What a trained head is told beside the settings that every head has.
struct SegmentTrainingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Settings to start from (default: one that suits head and device).", valueName: "name"))
    var preset: String?

    @Flag(name: .customLong("frozen"), help: "Leave the backbone as it is.")
    var isFrozen = false

    @Flag(help: "Train the backbone along with the head.")
    var trainBackbone = false

    @Option(help: "strides, or reference: the authors' Semantic FPN, all levels at the patch's stride.")
    var pyramid: FeaturePyramid.Kind?

    @Flag(help: "Score the mean over an image and its mirror image.")
    var flip = false

    func validate() throws {
        if isFrozen, trainBackbone { throw ValidationError("--frozen and --train-backbone exclude each other.") }
    }

    /// What was said but the preset.
    var given: [Any?] { [isFrozen.given, trainBackbone.given, pyramid, flip.given] }

    func overlay(_ settings: inout SegmentationSettings) {
        if isFrozen { settings.model.isFrozen = true }
        if trainBackbone { settings.model.isFrozen = false }
        if let pyramid { settings.model.pyramid = pyramid }
        if flip { settings.inference.flip = true }
    }
}

/// Which images a trained head labels.
struct SegmentPredictionOptions: ParsableArguments {
    @Option(
        name: .customLong("predict"),
        help: ArgumentHelp("Write a label map for each image below this folder.", valueName: "dir"))
    var folder: String?

    @Flag(name: .customLong("overlays"), help: "Write each image with its classes in colour, too.")
    var paintsOverlays = false
}

extension FeaturePyramid.Kind: ExpressibleByArgument {}
