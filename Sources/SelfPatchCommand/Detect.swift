import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// `selfpatch detect`: objects with their boxes and masks.
struct Detect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect",
        abstract: "Train a Mask R-CNN on a backbone, find objects with it, and score boxes and masks as COCO does.",
        discussion: """
            Annotations are COCO's, with boxes, and masks as polygons or run lengths:

            \(COCOFolder.tree)

            With --output a detector is trained on the pictures of data.trainSplit and scored on those of data.scoreSplit. Everything \
            that is wrong with the data is named before training starts. The run's folder gets settings, log, metrics, checkpoints, \
            results.json, results.txt, predictions.png, boxes.json and masks.json (COCO's lists of results) and detector.safetensors. \
            Ctrl-C saves and stops; --resume goes on at the exact step. The number of attention heads is that of the weights.

            With the run of a trained detector as --weights nothing is trained: --data scores it again, on other pictures too, and \
            --predict finds the objects in a picture or a folder of them: boxes.json, masks.json, images.json with the ids, and \
            painted pictures.

            --score holds anyone's list of results against the annotations; the pictures need not be there. Figures equal those of \
            pycocotools.

            PRESETS
            \(DetectionPreset.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

            EXAMPLES
              selfpatch detect --weights runs/streets --data coco --output detector
              selfpatch detect --weights vit.pth --data cells --output cells-run --classes nucleus,cell --set length="600 steps"
              selfpatch detect --preset coco-mask-rcnn-1x --weights vit-small --data coco --output 1x
              selfpatch detect --resume detector
              selfpatch detect --weights detector --data coco --split val --output scores
              selfpatch detect --weights detector --predict photos --output found
              selfpatch detect --score results.json --data coco --split val2017
            """)

    @Option(
        help: ArgumentHelp(
            "\(NetworkOptions.weightsHelp.abstract) Or the folder of a run with a trained detector, or its detector.safetensors.",
            valueName: "run|file|dir"))
    var weights: String?

    @OptionGroup var use: NetworkOptions

    @Option(help: ArgumentHelp("The folder with annotations and pictures.", valueName: "dir"))
    var data: String?

    @Option(
        name: .customLong("classes"),
        help: ArgumentHelp("Only these classes, by name (default: all that the annotations list).", valueName: "a,b"))
    var classList: String?

    @Option(help: ArgumentHelp("The split to score (default: val).", valueName: "name"))
    var split: String?

    @Option(help: ArgumentHelp("What is random comes from this number (default: 0).", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The folder for results, and for a run.", valueName: "dir"))
    var output: String?

    @Option(help: ArgumentHelp("Settings to start from (default: one that suits the device).", valueName: "name"))
    var preset: String?

    @Flag(name: .customLong("frozen"), help: "Leave the backbone as it is.")
    var isFrozen = false

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp("Find the objects in this picture, or in those below this folder.", valueName: "file|dir"))
    var predict: String?

    @Flag(name: .customLong("no-pictures"), help: "Do not paint what was found.")
    var paintsNothing = false

    @OptionGroup(title: "OPTIONS OF SCORING RESULTS") var scoring: DetectScoreOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    /// Names of classes without the spaces around them; empty where all are meant.
    private var classes: [String] {
        (classList ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    func run() throws {
        if let results = scoring.results { return try score(results) }
        let isTraining = options.resume != nil || preset != nil
        if let weights, !isTraining, try predict != nil || TrainedDetector.file(at: weights) != nil {
            return try useTrained(weights)
        }
        guard predict == nil, !paintsNothing else {
            throw ValidationError(
                "--predict and --no-pictures take a detector that is trained already: name its run with --weights, and leave "
                    + "--preset and --resume out.")
        }
        try train()
    }

    private func score(_ results: String) throws {
        guard let data else { throw ValidationError("--score needs --data, the annotations to score against.") }
        let others: [Any?] = [
            weights, use.machine.device, seed, output, preset, predict, options.resume, options.config,
            options.assignments.first, options.timeLimit, isFrozen.given, paintsNothing.given,
        ]
        guard !use.isGiven, others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--score looks at results that are there: beside it only --data, --split, --classes, --fault-score, --threads and "
                    + "--json.")
        }
        try scoring.score(
            results, data: data, split: split ?? "val", classes: classes, threads: use.machine.threads ?? 0,
            asJSON: json)
    }

    private func useTrained(_ weights: String) throws {
        guard !use.isGiven, seed == nil, options.timeLimit == nil, !isFrozen else {
            throw ValidationError(
                "\(weights) holds a detector that is trained already: leave out what says how to train one, or which network to take."
            )
        }
        let trained = try DetectorUse(weights, device: try use.machine.prepared()) { tree in
            try options.overlay(&tree)
            let names = classes.isEmpty ? nil : "[\(classes.map { "\"\($0)\"" }.joined(separator: ", "))]"
            for (path, value) in [("data.folder", data), ("data.scoreSplit", split), ("data.classes", names)] {
                if let value { try tree.set(path, to: value, source: "the command line") }
            }
        }
        guard let predict else {
            guard !paintsNothing else { throw ValidationError("--no-pictures belongs to --predict.") }
            guard data != nil else {
                throw ValidationError(
                    "\(weights) is trained already. Name annotated pictures to score it on with --data, or pictures to look at with "
                        + "--predict.")
            }
            return try trained.score(output: output, asJSON: json)
        }
        guard data == nil, split == nil, classes.isEmpty else {
            throw ValidationError(
                "--predict looks at pictures without annotations, for all classes: leave --data, --split and --classes out."
            )
        }
        guard let output else { throw ValidationError("Name the folder for what is found with --output.") }
        try trained.find(in: predict, output: output, draws: !paintsNothing, asJSON: json)
    }

    private func train() throws {
        let others: [Any?] = [data, classes.first, split, preset, isFrozen.given]
        let run = HeadTraining(options: options, use: use, weights: weights, seed: seed, output: output, json: json)
        try run.run(DetectRun.self, others: others) {
            try (preset.map(DetectionPreset.named) ?? .suited(to: Device.resolve(use.machine.device ?? "auto")))
                .settings
        } change: { settings in
            if let data { settings.data.folder = data }
            if let split { settings.data.scoreSplit = split }
            if !classes.isEmpty { settings.data.classes = classes }
            if isFrozen { settings.model.isFrozen = true }
        }
    }
}
