import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchTraining

/// Every setting of a linear probe. The defaults are DINO's, with several learning rates where DINO has one.
package struct LinearSettings: HeadSettings, Equatable {
    /// How a training image becomes a view.
    package enum Augmentation: String, SettingsChoice {
        /// A random part of it, resized, flipped half of the time.
        case crop
        /// Its middle, as in validation: features are then taken once.
        case none
    }

    package var weights = ""
    package var network = TrainedNetwork.Part.teacher
    package var heads = 0
    package var allowMissing = false
    package var train = ""
    package var validation = ""
    package var seed: UInt64 = 0
    package var device = "auto"
    package var threads = 0
    package var features: [ProbeFeature] = [.summary, .meanPatch, .both]
    package var viewSize = ViewSize(square: 0)
    package var blocks = 1
    package var augmentation = Augmentation.crop
    package var learningRates = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]
    package var learningRateBatch = 256
    package var momentum = 0.9
    package var epochs = 100
    package var batchSize = 256
    package var workers = 0
    package var allowBroken = 0.01
    package var scoreEvery = Span.epochs(1)
    package var run = RunSettings()

    package init() {}

    /// What each setting means, for a run's `settings.yaml`.
    package static let descriptions: [String: String] = [
        "weights": "A run's folder, or a file of weights or a checkpoint. It stays as it is.",
        "network": "The teacher, the student, or the untrained network as the run drew it.",
        "heads": "Heads of attention, where nothing in or beside the weights tells them; 0: not told.",
        "allowMissing": "Take weights of other programs that lack some parameters, which stay as they were drawn.",
        "train": "The labelled images that classifiers are trained on, a folder for each class.",
        "validation": "The labelled images that are scored.",
        "seed": "First weights, order of the images, and crops.",
        "device": "auto (a GPU if there is one), cpu, cuda, cuda:1, mps.",
        "threads": "CPU threads; 0: as many as the machine has cores.",
        "features": "What stands for an image: summary, mean-patch, both (side by side). Each is scored by itself.",
        "viewSize": "Height and width of the views in pixels; [0, 0]: those of the weights' training.",
        "blocks": "Take features from so many of the last blocks.",
        "augmentation":
            "crop: a random part of 8 to 100 % of the area, flipped half of the time. none: the middle, features taken once.",
        "learningRates": "At the start, for learningRateBatch images a step; each trains classifiers of its own.",
        "learningRateBatch": "Learning rates grow with batchSize over this.",
        "momentum": "Of SGD.",
        "epochs": "The learning rate falls from epoch to epoch, along half a cosine to 0.",
        "batchSize": "Images a step.",
        "workers": "Threads that read images; 0: all cores but one.",
        "allowBroken": "Share of the images that may be unreadable before the run stops.",
        "scoreEvery": "How often the validation images are scored on the way.",
        "run": "Diaries, checkpoints and limits.",
        "run.logEvery": "Steps between two lines of the log.",
        "run.checkpointEvery": "From one checkpoint to the next.",
        "run.keepNewest": "Checkpoints that stay.",
        "run.keepEvery": "Of older ones every n-th stays; 0: none.",
        "run.timeLimit": "Minutes after which the run saves and stops; 0: no limit.",
    ]

    /// Turns relative paths into absolute ones, so that a run can go on from another working folder.
    package mutating func makePathsAbsolute() {
        for path in [\LinearSettings.weights, \.train, \.validation] where !self[keyPath: path].isEmpty {
            self[keyPath: path] = URL(fileURLWithPath: self[keyPath: path]).standardizedFileURL.path
        }
    }

    /// The views' size, where it is not the weights' own.
    package var view: ViewSize? { viewSize == ViewSize(square: 0) ? nil : viewSize }

    /// Refuses what cannot be obeyed.
    package func validate() throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError(sentence, kind: .usage) }
        }
        for (name, path) in [("weights", weights), ("train", train), ("validation", validation)] {
            try require(!path.isEmpty, "\(name) is empty: name the file or folder.")
        }
        try require(
            view == nil || (1...65_536 ~= viewSize.height && 1...65_536 ~= viewSize.width),
            "viewSize is \(viewSize); both sides are at least 1, or both 0.")
        try require(!features.isEmpty, "features is empty: name summary, mean-patch or both.")
        try require(
            Set(features.map(\.rawValue)).count == features.count && Set(learningRates).count == learningRates.count,
            "features or learningRates name one twice.")
        try require(
            !learningRates.isEmpty && learningRates.allSatisfy { $0 > 0 && $0.isFinite },
            "learningRates is \(learningRates); it needs at least one number, all above 0.")
        for (name, value) in [
            ("blocks", blocks), ("epochs", epochs), ("batchSize", batchSize), ("learningRateBatch", learningRateBatch),
        ] {
            try require(value >= 1, "\(name) is \(value); it has to be at least 1.")
        }
        try require(epochs <= 1_000_000_000, "epochs is \(epochs); a billion at most.")
        try require(heads >= 0, "heads is \(heads); it is 0 or the number of attention heads.")
        try require((0..<1).contains(momentum), "momentum is \(momentum); it lies from 0 to below 1.")
        try require((0...1).contains(allowBroken), "allowBroken is \(allowBroken); it is a share from 0 to 1.")
        try require(
            threads >= 0 && workers >= 0, "threads is \(threads) and workers \(workers); none may be negative.")
        try run.validate()
    }
}
