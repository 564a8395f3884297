import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining

/// Every setting of training and using a detector. The defaults are the authors' for COCO.
package struct DetectionSettings: HeadSettings, Equatable {
    package var weights = ""
    package var network = TrainedNetwork.Part.teacher
    package var heads = 0
    package var allowMissing = false
    package var seed: UInt64 = 0
    package var device = "auto"
    package var precision = PrecisionChoice.auto
    package var threads = 0
    package var data = Data()
    package var model = MaskRCNNSettings()
    package var views = DetectionViewSettings()
    package var optimizer = Optimizer()
    package var length = Span.epochs(12)
    package var batchSize = 8
    package var atOnce = 1
    package var scoreEvery = Span.epochs(1)
    package var run = RunSettings()

    package init() {}

    /// Annotations and pictures.
    package struct Data: Codable, Equatable, Sendable {
        package var folder = ""
        package var trainSplit = "train"
        package var scoreSplit = "val"
        package var classes: [String] = []
        package var workers = 0

        package init() {}
    }

    /// AdamW and its rate: linear warm-up, then steps down.
    package struct Optimizer: Codable, Equatable, Sendable {
        package var learningRate = 5e-5
        package var weightDecay = 0.05
        package var warmupSteps = 1_000
        package var dropAfter = [Span.epochs(8), Span.epochs(11)]
        package var dropFactor = 0.1
        package var layerDecay = 1.0
        package var beta1 = 0.9
        package var beta2 = 0.999
        package var epsilon = 1e-8

        package init() {}

        /// The learning rate of a step: mmcv's `step` policy with linear warm-up from a thousandth.
        ///
        /// - Parameter step: from 0.
        package func rate(step: Int, of stepCount: Int, stepsPerEpoch: Int) -> Double {
            let drops = dropAfter.filter { step >= $0.steps(stepsPerEpoch: stepsPerEpoch, runLength: stepCount) }.count
            let regular = learningRate * pow(dropFactor, Double(drops))
            guard step < warmupSteps else { return regular }
            return regular * (1 - (1 - Double(step) / Double(warmupSteps)) * (1 - 1e-3))
        }
    }

    /// Turns relative paths into absolute ones, so that a run can go on from another working folder.
    package mutating func makePathsAbsolute() {
        for path in [\DetectionSettings.weights, \.data.folder] where !self[keyPath: path].isEmpty {
            self[keyPath: path] = URL(fileURLWithPath: self[keyPath: path]).standardizedFileURL.path
        }
    }

    /// Refuses what cannot be obeyed in training.
    package func validate() throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError(sentence, kind: .usage) }
        }
        try require(!weights.isEmpty, "weights is empty: name a run's folder or a file of weights.")
        try require(!data.folder.isEmpty, "data.folder is empty: name the folder with annotations and pictures.")
        try require(heads >= 0, "heads is \(heads); it is 0 or the number of attention heads.")
        try require(batchSize >= 1, "batchSize is \(batchSize); it has to be at least 1.")
        try require(
            1...batchSize ~= atOnce, "atOnce is \(atOnce); it lies between 1 and batchSize, which is \(batchSize).")
        try views.validate()
        for (name, value, limits) in [
            ("learningRate", optimizer.learningRate, 0...1_000.0), ("weightDecay", optimizer.weightDecay, 0...100),
            ("dropFactor", optimizer.dropFactor, 0...1), ("layerDecay", optimizer.layerDecay, 0.01...1),
            ("beta1", optimizer.beta1, 0...0.9999), ("beta2", optimizer.beta2, 0...0.999999),
            ("epsilon", optimizer.epsilon, 0...1),
        ] {
            try require(limits ~= value, "optimizer.\(name) is \(value); it lies within \(limits).")
        }
        try require(
            optimizer.warmupSteps >= 0 && threads >= 0 && data.workers >= 0,
            "optimizer.warmupSteps, threads and data.workers may not be negative.")
        try run.validate()
    }
}
