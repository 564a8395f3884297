import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A backbone with its trained detector, and all that is needed beside the numbers to use them: one file.
///
/// The file's metadata hold the run's settings without its paths, and the classes with their ids.
package struct TrainedDetector {
    package let detector: MaskRCNN
    package let classes: [DetectionClass]
    package let normalization: ViewNormalization
    /// Those of its training. Weights and folders are empty.
    package var settings: DetectionSettings
    /// Steps that it was trained for.
    package let steps: Int
    /// The file that it came from.
    package let path: String

    private static let kind = TrainedHeadFile.Kind(
        name: "detector", format: "selfpatch detector 1", command: "selfpatch detect")

    /// The file of a trained detector that a path leads to, itself or in the folder of a complete run; nil where there is none.
    package static func file(at path: String) throws -> String? { try TrainedHeadFile.path(at: path, kind) }

    /// - Parameter path: a file, or the folder of a complete run.
    /// - Throws: `UserError` where there is no trained detector, or where names and shapes are not those that it describes.
    package init(path: String, device: Device) throws {
        let file = try TrainedHeadFile(at: path, Self.kind)
        let description = file.description
        settings = try DetectionSettings.stored(in: file.content)
        let (names, ids) = (try file.value("classes", [String].self), try file.value("ids", [Int].self))
        guard !names.isEmpty, names.count == ids.count, zip(ids, ids.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw file.contradiction
        }
        try settings.model.validate(description.architecture)
        try settings.views.validate()
        let model = settings.model
        try file.require("proposals.hidden.weight", [model.channels, model.channels])
        try file.require("boxes.classes.weight", [names.count + 1, model.hiddenWidth])
        detector = MaskRCNN(try file.network(on: device), settings.model, classCount: names.count, seed: 0)
        try WeightsFile.restore(detector.state, from: file.content)
        classes = zip(names, ids).map { DetectionClass(name: $0, id: $1) }
        normalization = ViewNormalization(mean: description.mean, deviation: description.deviation)
        (self.path, steps) = (file.path, description.steps)
    }

    /// What it is, for the head of a table.
    package var title: String { "Mask R-CNN of \(path), \(steps) steps" }

    /// Objects at the pictures' own size, as the settings say.
    package var inference: DetectionInference {
        DetectionInference(
            detector, views: settings.views, normalization: normalization,
            precision: settings.precision.resolved(on: detector.network.device))
    }

    /// Writes backbone, heads and description to one file, whole or not at all.
    ///
    /// - Parameters:
    ///   - description: of the backbone; its steps are taken for the detector's.
    ///   - settings: those of the training.
    static func write(
        _ detector: MaskRCNN, _ description: WeightsDescription, classes: [DetectionClass],
        settings: DetectionSettings, to path: String
    ) throws {
        var settings = settings
        (settings.weights, settings.data.folder) = ("", "")
        try TrainedHeadFile.write(
            detector.state, description, settings: settings,
            values: ["classes": classes.map(\.name), "ids": classes.map(\.id)], kind, to: path)
    }
}
