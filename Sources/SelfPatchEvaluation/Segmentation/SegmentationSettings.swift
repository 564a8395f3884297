import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// Every setting of training and scoring a segmentation head. Presets name what suits a head and a machine.
public struct SegmentationSettings: Codable, Equatable, Sendable {
    public var weights = ""
    public var network = TrainedNetwork.Part.teacher
    public var heads = 0
    public var allowMissing = false
    public var seed: UInt64 = 0
    public var device = "auto"
    public var precision = PrecisionChoice.auto
    public var threads = 0
    public var data = Data()
    public var model = SegmenterSettings()
    public var views = SegmentationViewSettings()
    public var optimizer = Optimizer()
    public var length = Span.steps(40_000)
    public var batchSize = 16
    public var inference = SegmentationInference.Settings()
    public var scoreEvery = Span.steps(4_000)
    public var run = RunSettings()

    public init() { run.checkpointEvery = .steps(1_000) }

    /// Images, their label maps, and what the labels mean.
    public struct Data: Codable, Equatable, Sendable {
        public var folder = ""
        public var trainImages = ""
        public var trainLabels = ""
        public var validationImages = ""
        public var validationLabels = ""
        public var classList = ""
        public var classes = 0
        public var firstClass = 0
        public var ignored = 255
        public var workers = 0

        public init() {}

        public var numbering: LabelNumbering { LabelNumbering(firstClass: firstClass, ignored: ignored) }
    }

    /// AdamW and its rate: linear warm-up, then a polynomial's fall to 0.
    public struct Optimizer: Codable, Equatable, Sendable {
        public var learningRate = 6e-5
        public var weightDecay = 0.01
        public var warmupSteps = 1_500
        public var power = 1.0
        public var layerDecay = 1.0
        public var beta1 = 0.9
        public var beta2 = 0.999
        public var epsilon = 1e-8

        public init() {}

        /// The learning rate of a step: mmcv's `poly` policy with linear warm-up from a millionth.
        ///
        /// - Parameter step: from 0.
        public func rate(step: Int, of stepCount: Int) -> Double {
            let regular = learningRate * pow(1 - Double(step) / Double(stepCount), power)
            guard step < warmupSteps else { return regular }
            return regular * (1 - (1 - Double(step) / Double(warmupSteps)) * (1 - 1e-6))
        }
    }

    /// Turns relative paths into absolute ones, so that a run can go on from another working folder.
    public mutating func makePathsAbsolute() {
        for path in [
            \SegmentationSettings.weights, \.data.folder, \.data.trainImages, \.data.trainLabels,
            \.data.validationImages,
            \.data.validationLabels, \.data.classList,
        ] where !self[keyPath: path].isEmpty {
            self[keyPath: path] = URL(fileURLWithPath: self[keyPath: path]).standardizedFileURL.path
        }
    }

    /// Where images and label maps of a part lie.
    public func folders(validation: Bool) -> (images: String, labels: String) {
        let part = validation ? "validation" : "training"
        let (images, labels) =
            validation ? (data.validationImages, data.validationLabels) : (data.trainImages, data.trainLabels)
        return (
            images.isEmpty ? "\(data.folder)/images/\(part)" : images,
            labels.isEmpty ? "\(data.folder)/annotations/\(part)" : labels
        )
    }

    /// Refuses what cannot be obeyed.
    public func validate() throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError(sentence, kind: .usage) }
        }
        try require(!weights.isEmpty, "weights is empty: name a run's folder or a file of weights.")
        let four = [data.trainImages, data.trainLabels, data.validationImages, data.validationLabels]
        try require(
            !data.folder.isEmpty || four.allSatisfy { !$0.isEmpty },
            "data.folder is empty: name the folder with images and annotations, or all four of data.trainImages, "
                + "data.trainLabels, data.validationImages and data.validationLabels.")
        try require(0...255 ~= data.classes, "data.classes is \(data.classes); label maps hold from 1 to 255, 0: look.")
        try require(
            0...254 ~= data.firstClass && 0...255 ~= data.ignored,
            "data.firstClass is \(data.firstClass) and data.ignored \(data.ignored); labels lie from 0 to 255.")
        try views.validate()
        try inference.validate()
        try require(heads >= 0, "heads is \(heads); it is 0 or the number of attention heads.")
        try require(batchSize >= 1, "batchSize is \(batchSize); it has to be at least 1.")
        for (name, value, limits) in [
            ("learningRate", optimizer.learningRate, 0...1_000.0), ("weightDecay", optimizer.weightDecay, 0...100),
            ("power", optimizer.power, 0...100), ("layerDecay", optimizer.layerDecay, 0.01...1),
            ("beta1", optimizer.beta1, 0...0.9999), ("beta2", optimizer.beta2, 0...0.999999),
            ("epsilon", optimizer.epsilon, 0...1),
        ] {
            try require(limits ~= value, "optimizer.\(name) is \(value); it lies within \(limits).")
        }
        try require(
            optimizer.warmupSteps >= 0 && threads >= 0 && data.workers >= 0 && run.keepEvery >= 0,
            "optimizer.warmupSteps, threads, data.workers and run.keepEvery may not be negative.")
        try require(run.logEvery >= 1 && run.keepNewest >= 1, "run.logEvery and run.keepNewest have to be at least 1.")
    }

    /// Refuses crops and windows that are too small for the levels of a head.
    public func requireRoom(for architecture: Architecture) throws {
        let patch = architecture.patchSize
        let least = model.head == .linear ? patch : max(patch, FeaturePyramid.strides.last ?? patch)
        for (name, side) in [
            ("views.crop", min(views.crop.height, views.crop.width)), ("views.shortSide", views.shortSide),
            ("inference.window", inference.window),
        ] where side < least {
            throw UserError(
                "\(name) is \(side) pixels; \(model.head.rawValue) on patches of \(patch) needs at least \(least).",
                kind: .usage)
        }
    }
}
