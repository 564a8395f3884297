import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A backbone with its trained head, and all that is needed beside the numbers to use them: one file.
///
/// The file's metadata hold the run's settings without its paths: they say how images are resized, whether they are seen whole or
/// through windows, and which label the first class has.
package struct TrainedSegmenter {
    package let segmenter: Segmenter
    package let classes: ClassList
    package let normalization: ViewNormalization
    /// Those of its training. Weights and folders are empty.
    package var settings: SegmentationSettings
    /// Steps that it was trained for.
    package let steps: Int
    /// The file that it came from.
    package let path: String

    private static let kind = TrainedHeadFile.Kind(
        name: "segmenter", format: "selfpatch segmenter 1", command: "selfpatch segment")

    /// The file of a trained segmenter that a path leads to, itself or in the folder of a complete run; nil where there is none.
    package static func file(at path: String) throws -> String? { try TrainedHeadFile.path(at: path, kind) }

    /// - Parameter path: a file, or the folder of a complete run.
    /// - Throws: `UserError` where there is no trained segmenter, or where names and shapes are not those that it describes.
    package init(path: String, device: Device) throws {
        let file = try TrainedHeadFile(at: path, Self.kind)
        let description = file.description
        settings = try SegmentationSettings.stored(in: file.content)
        let (names, colors) = (
            try file.value("classes", [String].self), try file.value("colors", [[UInt8]].self)
        )
        guard 1...255 ~= names.count, colors.count == names.count, colors.allSatisfy({ $0.count == 3 }),
            settings.data.classes == 0 || settings.data.classes == names.count
        else { throw file.contradiction }
        try settings.validateUse(of: description.architecture)
        try file.require("head.scores.weight", [names.count])
        segmenter = Segmenter(try file.network(on: device), settings.model, classCount: names.count, seed: 0)
        try WeightsFile.restore(segmenter.state, from: file.content)
        classes = ClassList(names: names, colors: colors)
        normalization = ViewNormalization(mean: description.mean, deviation: description.deviation)
        (self.path, steps) = (file.path, description.steps)
    }

    /// What it is, for the head of a table: "linear of runs/linear/segmenter.safetensors, 400 steps".
    package var title: String { "\(settings.model.head.rawValue) of \(path), \(steps) steps" }

    /// Predictions at the images' own size, as the settings say.
    package var inference: SegmentationInference {
        SegmentationInference(
            segmenter, settings.inference, views: settings.views, normalization: normalization,
            precision: settings.precision.resolved(on: segmenter.network.device))
    }

    /// Writes backbone, head and description to one file, whole or not at all.
    ///
    /// - Parameters:
    ///   - description: of the backbone; its steps are taken for the segmenter's.
    ///   - settings: those of the training.
    static func write(
        _ segmenter: Segmenter, _ description: WeightsDescription, classes: ClassList, settings: SegmentationSettings,
        to path: String
    ) throws {
        var settings = settings
        settings.weights = ""
        (settings.data.folder, settings.data.classList) = ("", "")
        (settings.data.trainImages, settings.data.trainLabels) = ("", "")
        (settings.data.validationImages, settings.data.validationLabels) = ("", "")
        try TrainedHeadFile.write(
            segmenter.state, description, settings: settings,
            values: ["classes": classes.names, "colors": classes.colors], kind, to: path)
    }
}

extension SegmentationSettings {
    /// Refuses what cannot be obeyed when a trained head is used; what concerns training is not looked at.
    package func validateUse(of architecture: Architecture) throws {
        try views.validate()
        try inference.validate()
        try model.validate(architecture)
        try requireRoom(for: architecture)
        guard 0...254 ~= data.firstClass, 0...255 ~= data.ignored else {
            throw UserError(
                "data.firstClass is \(data.firstClass) and data.ignored \(data.ignored); labels lie from 0 to 255.",
                kind: .usage)
        }
    }
}
