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

    @Option(help: NetworkOptions.weightsHelp)
    var weights: String?

    @OptionGroup var use: NetworkOptions

    @Option(help: ArgumentHelp("The labelled images to train on.", valueName: "dir"))
    var train: String?

    @Option(help: ArgumentHelp("The labelled images to score.", valueName: "dir"))
    var val: String?

    @Option(help: ArgumentHelp("The folder for settings, log and results.", valueName: "dir"))
    var output: String?

    @Option(
        name: .customLong("feature"),
        help: ArgumentHelp(
            "summary, mean-patch or both; may be given often (default: each of them).", valueName: "name"))
    var features: [ProbeFeature] = []

    @Option(help: ArgumentHelp("Take features of so many of the last blocks (default: 1).", valueName: "n"))
    var blocks: Int?

    @OptionGroup var view: ViewOptions

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

    @OptionGroup var options: RunOptions

    @Flag(help: "Print one JSON document at the end, and everything else on standard error.")
    var json = false

    func run() throws {
        let others: [Any?] = [
            train, val, features.first, blocks, view.size, rates.first, epochs, batch, augment,
        ]
        let training = HeadTraining(
            options: options, use: use, weights: weights, seed: seed, output: output, json: json)
        try training.run(LinearRun.self, others: others, from: LinearSettings.init) { settings in
            if let train { settings.train = train }
            if let val { settings.validation = val }
            if !features.isEmpty { settings.features = features }
            if !rates.isEmpty { settings.learningRates = rates }
            if let size = view.size { settings.viewSize = size }
            if let blocks { settings.blocks = blocks }
            if let epochs { settings.epochs = epochs }
            if let batch { settings.batchSize = batch }
            if let augment { settings.augmentation = augment }
            for (option, value) in [
                ("--weights", settings.weights), ("--train", settings.train), ("--val", settings.validation),
            ] where value.isEmpty {
                throw ValidationError(
                    "\(option) is missing: a probe needs weights, training images and validation images.")
            }
        }
    }
}

extension ProbeFeature: ExpressibleByArgument {}
extension LinearSettings.Augmentation: ExpressibleByArgument {}
