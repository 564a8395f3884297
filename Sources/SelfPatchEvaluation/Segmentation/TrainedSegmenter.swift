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

    static let format = "selfpatch segmenter 1"

    /// The file of a trained segmenter that a path leads to, itself or in the folder of a complete run; nil where there is none.
    package static func file(at path: String) -> String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        let file = isFolder.boolValue ? "\(path)/segmenter.safetensors" : path
        guard file.hasSuffix(".safetensors"), let content = try? SafetensorsFile(path: file) else { return nil }
        return content.metadata["format"] == format ? file : nil
    }

    /// - Parameter path: a file, or the folder of a complete run.
    /// - Throws: `UserError` where there is no trained segmenter, or where names and shapes are not those that it describes.
    package init(path: String, device: Device) throws {
        guard let file = Self.file(at: path) else {
            throw UserError(
                "\(path) holds no trained segmenter. Name the folder of a complete run of `selfpatch segment` with a trained "
                    + "head, or its segmenter.safetensors; a run that was stopped goes on with `selfpatch segment --resume`.",
                kind: .usage)
        }
        self.path = file
        let content = try SafetensorsFile(path: file)
        if content.hasChecksum { try content.verifyChecksum() }
        func value<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value {
            guard let text = content.metadata[name], let value = try? JSONDecoder().decode(type, from: Data(text.utf8))
            else {
                throw UserError(
                    "Cannot use \(file): it does not describe its segmenter (its metadata lack a valid '\(name)').")
            }
            return value
        }
        let description = try WeightsDescription(content)
        settings = try SegmentationSettings.stored(in: content)
        steps = description.steps
        let (names, colors) = (try value("classes", [String].self), try value("colors", [[UInt8]].self))
        guard 1...255 ~= names.count, colors.count == names.count, colors.allSatisfy({ $0.count == 3 }),
            settings.data.classes == 0 || settings.data.classes == names.count
        else {
            throw UserError("Cannot use \(file): its description of the classes contradicts itself.")
        }
        classes = ClassList(names: names, colors: colors)
        normalization = ViewNormalization(mean: description.mean, deviation: description.deviation)
        try settings.validateUse(of: description.architecture)
        try ParameterShapes.requireBackbone(of: description.architecture, in: content)
        let network = Network(description.architecture, heads: nil, seed: 0, device: device)
        segmenter = Segmenter(network, settings.model, classCount: names.count, seed: 0)
        try WeightsFile.restore(segmenter.state, from: content)
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func json(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        var settings = settings
        settings.weights = ""
        (settings.data.folder, settings.data.classList) = ("", "")
        (settings.data.trainImages, settings.data.trainLabels) = ("", "")
        (settings.data.validationImages, settings.data.validationLabels) = ("", "")
        let own = [
            "format": format, "settings": try json(settings), "classes": try json(classes.names),
            "colors": try json(classes.colors),
        ]
        try SafetensorsWriter.write(
            segmenter.state.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) },
            metadata: description.metadata().merging(own) { $1 }, to: path)
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
