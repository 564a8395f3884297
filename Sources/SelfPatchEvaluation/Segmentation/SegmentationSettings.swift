import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// Every setting of training and scoring a segmentation head. Presets name what suits a head and a machine.
package struct SegmentationSettings: HeadSettings, Equatable {
    package var weights = ""
    package var network = TrainedNetwork.Part.teacher
    package var heads = 0
    package var allowMissing = false
    package var seed: UInt64 = 0
    package var device = "auto"
    package var precision = PrecisionChoice.auto
    package var threads = 0
    package var data = Data()
    package var model = SegmenterSettings()
    package var views = SegmentationViewSettings()
    package var optimizer = Optimizer()
    package var length = Span.steps(40_000)
    package var batchSize = 16
    package var inference = SegmentationInference.Settings()
    package var scoreEvery = Span.steps(4_000)
    package var run = RunSettings()

    package init() { run.checkpointEvery = .steps(1_000) }

    /// Images, their label maps, and what the labels mean.
    package struct Data: Codable, Equatable, Sendable {
        package var folder = ""
        package var trainImages = ""
        package var trainLabels = ""
        package var validationImages = ""
        package var validationLabels = ""
        package var classList = ""
        package var classes = 0
        package var firstClass = 0
        package var ignored = 255
        package var workers = 0

        package init() {}

        package var numbering: LabelNumbering { LabelNumbering(firstClass: firstClass, ignored: ignored) }
    }

    /// AdamW and its rate: linear warm-up, then a polynomial's fall to 0.
    package struct Optimizer: Codable, Equatable, Sendable {
        package var learningRate = 6e-5
        package var weightDecay = 0.01
        package var warmupSteps = 1_500
        package var power = 1.0
        package var layerDecay = 1.0
        package var beta1 = 0.9
        package var beta2 = 0.999
        package var epsilon = 1e-8

        package init() {}

        /// The learning rate of a step: mmcv's `poly` policy with linear warm-up from a millionth.
        ///
        /// - Parameter step: from 0.
        package func rate(step: Int, of stepCount: Int) -> Double {
            let regular = learningRate * pow(1 - Double(step) / Double(stepCount), power)
            guard step < warmupSteps else { return regular }
            return regular * (1 - (1 - Double(step) / Double(warmupSteps)) * (1 - 1e-6))
        }
    }

    /// Turns relative paths into absolute ones, so that a run can go on from another working folder.
    package mutating func makePathsAbsolute() {
        for path in [
            \SegmentationSettings.weights, \.data.folder, \.data.trainImages, \.data.trainLabels,
            \.data.validationImages,
            \.data.validationLabels, \.data.classList,
        ] where !self[keyPath: path].isEmpty {
            self[keyPath: path] = URL(fileURLWithPath: self[keyPath: path]).standardizedFileURL.path
        }
    }

    /// Where images and label maps of a part lie.
    package func folders(validation: Bool) -> (images: String, labels: String) {
        let part = validation ? "validation" : "training"
        let (images, labels) =
            validation ? (data.validationImages, data.validationLabels) : (data.trainImages, data.trainLabels)
        return (
            images.isEmpty ? "\(data.folder)/images/\(part)" : images,
            labels.isEmpty ? "\(data.folder)/annotations/\(part)" : labels
        )
    }

    /// Refuses what cannot be obeyed.
    package func validate() throws {
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
            optimizer.warmupSteps >= 0 && threads >= 0 && data.workers >= 0,
            "optimizer.warmupSteps, threads and data.workers may not be negative.")
        try run.validate()
    }

    /// Refuses crops and windows that are too small for the levels of a head, or for its batch norm.
    package func requireRoom(for architecture: Architecture) throws {
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
        // UPerNet takes means over whole crops as well.
        let cells = [views.crop.height, views.crop.width].map { side in
            model.head == .uperNet ? 1 : max(1, (side + patch - 1) / patch * patch / least)
        }
        guard batchSize > 1 || cells != [1, 1] else {
            throw UserError(
                "batchSize is 1, and \(model.head.rawValue) has a level where a crop is a single cell: its batch norm would "
                    + "divide by 0. Take batchSize=2\(model.head == .uperNet ? "" : " or a larger views.crop").",
                kind: .usage)
        }
    }
}
