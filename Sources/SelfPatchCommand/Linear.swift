import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

struct Linear: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linear",
        abstract: "Train linear classifiers on the features of a network, and say how well they tell images apart.",
        discussion: """
            Both folders hold a folder for each class:

                train/tench/a.jpg  train/church/b.jpg ...      val/tench/c.jpg ...

            The network stays as it is. Classifiers are trained as in DINO: SGD with momentum, a learning rate that falls along \
            half a cosine, random resized crops and flips. Validation images are scored on their middle. Each learning rate \
            and each feature (image summary, mean patch, both side by side) has classifiers of its own, and all see the same \
            images in one pass. The best top-1 is the best on the validation images, and so flatters a little.

            --output gets settings, log, metrics, checkpoints, results.json, results.txt and confusion.png. Ctrl-C saves and \
            stops; --resume goes on at the exact step.

            EXAMPLES
              selfpatch linear --weights runs/photos --train photos/train --val photos/val --output linear
              selfpatch linear --weights runs/photos --train a --val b --output quick --augment none --epochs 300
              selfpatch linear --weights runs/photos --train a --val b --output c --rate 0.001 --rate 0.01 --blocks 4
              selfpatch linear --resume linear
            """)

    @Option(help: ArgumentHelp("A run's folder, or a file of weights or a checkpoint.", valueName: "run|file"))
    var weights: String?

    @Option(help: "The teacher, the student, or the untrained network as the run drew it (default: teacher).")
    var network: TrainedNetwork.Part?

    @Option(
        help: ArgumentHelp("Heads of attention, where nothing in or beside the weights tells them.", valueName: "n"))
    var heads: Int?

    @Flag(help: "Take weights of other programs that lack some parameters.")
    var allowMissing = false

    @Option(help: ArgumentHelp("The labelled images to train on.", valueName: "dir"))
    var train: String?

    @Option(help: ArgumentHelp("The labelled images to score.", valueName: "dir"))
    var val: String?

    @Option(help: ArgumentHelp("The folder for settings, log and results.", valueName: "dir"))
    var output: String?

    @Option(help: ArgumentHelp("Go on with the run in this folder.", valueName: "dir"))
    var resume: String?

    @Option(
        name: .customLong("feature"),
        help: ArgumentHelp(
            "summary, mean-patch or both; may be given often (default: each of them).", valueName: "name"))
    var features: [ProbeFeature] = []

    @Option(help: ArgumentHelp("Take features of so many of the last blocks (default: 1).", valueName: "n"))
    var blocks: Int?

    @Option(
        name: .customLong("rate"),
        help: ArgumentHelp(
            "A learning rate for 256 images a step; may be given often (default: eight from 0.0003 to 1).",
            valueName: "rate"))
    var rates: [Double] = []

    @Option(help: ArgumentHelp("How often the training images are seen (default: 100).", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("Images a step (default: 256).", valueName: "n"))
    var batch: Int?

    @Option(help: "crop, or none: the middles of the images, whose features are taken once (default: crop).")
    var augment: LinearSettings.Augmentation?

    @Option(help: ArgumentHelp("First weights, order and crops (default: 0).", valueName: "n"))
    var seed: UInt64?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting of those in the output's settings.yaml. May be given often.", valueName: "key=value"))
    var assignments: [String] = []

    @Option(help: "auto, cpu, cuda, cuda:1 or mps (default: auto).")
    var device: String?

    @Option(help: ArgumentHelp("CPU threads; 0: as many as there are cores (default).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("Save and stop within this time: 90s, 45m, 8h, 2d.", valueName: "time"))
    var timeLimit: TimeLimit?

    @Flag(help: "Print one JSON document at the end, and everything else on standard error.")
    var json = false

    func run() throws {
        let start = ContinuousClock.now
        let settings = try resume.map(settingsToResume) ?? settingsOfOptions()
        guard let folder = resume ?? output else {
            throw ValidationError("Name the folder for the results with --output, or a run to go on with by --resume.")
        }
        if resume == nil { try RunFolder.checkedForNewRun(at: folder) }
        let limit = timeLimit?.duration ?? (settings.run.timeLimit > 0 ? .seconds(settings.run.timeLimit * 60) : nil)
        let run = try LinearRun(settings, folder: folder, isNew: resume == nil, deadline: limit.map { start + $0 })
        try run.finish(asJSON: json)
    }

    private func settingsOfOptions() throws -> LinearSettings {
        var settings = LinearSettings()
        settings.weights = weights ?? ""
        settings.train = train ?? ""
        settings.validation = val ?? ""
        if let network { settings.network = network }
        if let heads { settings.heads = heads }
        if allowMissing { settings.allowMissing = true }
        if !features.isEmpty { settings.features = features }
        if !rates.isEmpty { settings.learningRates = rates }
        if let blocks { settings.blocks = blocks }
        if let epochs { settings.epochs = epochs }
        if let batch { settings.batchSize = batch }
        if let augment { settings.augmentation = augment }
        if let seed { settings.seed = seed }
        if let device { settings.device = device }
        if let threads { settings.threads = threads }
        var tree = try SettingsTree(encoding: settings)
        for assignment in assignments { try tree.set(assignment) }
        settings = try tree.decode(LinearSettings.self)
        for (option, value) in [
            ("--weights", settings.weights), ("--train", settings.train), ("--val", settings.validation),
        ] where value.isEmpty {
            throw ValidationError("\(option) is missing: a probe needs weights, training images and validation images.")
        }
        settings.makePathsAbsolute()
        try settings.validate()
        return settings
    }

    private func settingsToResume(_ path: String) throws -> LinearSettings {
        let others: [Any?] = [
            weights, network, heads, train, val, output, blocks, epochs, batch, augment, seed, features.first,
            rates.first,
            assignments.first,
        ]
        guard others.allSatisfy({ $0 == nil }) else {
            throw ValidationError(
                "--resume goes on with a run as it is: beside it only --device, --threads, --time-limit and --json.")
        }
        var tree = try SettingsTree(encoding: LinearSettings())
        try tree.overlay(file: try RunFolder(existing: path).settingsFile)
        var settings = try tree.decode(LinearSettings.self)
        if let device { settings.device = device }
        if let threads { settings.threads = threads }
        try settings.validate()
        return settings
    }
}

extension ProbeFeature: ExpressibleByArgument {}
extension LinearSettings.Augmentation: ExpressibleByArgument {}
