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

    static let format = "selfpatch detector 1"

    /// The file of a trained detector that a path leads to, itself or in the folder of a complete run; nil where there is none.
    package static func file(at path: String) -> String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        let file = isFolder.boolValue ? "\(path)/detector.safetensors" : path
        guard file.hasSuffix(".safetensors"), let content = try? SafetensorsFile(path: file) else { return nil }
        return content.metadata["format"] == format ? file : nil
    }

    /// - Parameter path: a file, or the folder of a complete run.
    /// - Throws: `UserError` where there is no trained detector, or where names and shapes are not those that it describes.
    package init(path: String, device: Device) throws {
        guard let file = Self.file(at: path) else {
            throw UserError(
                "\(path) holds no trained detector. Name the folder of a complete run of `selfpatch detect`, or its "
                    + "detector.safetensors; a run that was stopped goes on with `selfpatch detect --resume`.",
                kind: .usage)
        }
        self.path = file
        let content = try SafetensorsFile(path: file)
        if content.hasChecksum { try content.verifyChecksum() }
        func value<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value {
            guard let text = content.metadata[name], let value = try? JSONDecoder().decode(type, from: Data(text.utf8))
            else {
                throw UserError(
                    "Cannot use \(file): it does not describe its detector (its metadata lack a valid '\(name)').")
            }
            return value
        }
        let description = try WeightsDescription(content)
        settings = try DetectionSettings.stored(in: content)
        steps = description.steps
        let (names, ids) = (try value("classes", [String].self), try value("ids", [Int].self))
        guard !names.isEmpty, names.count == ids.count, zip(ids, ids.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw UserError("Cannot use \(file): its description of the classes contradicts itself.")
        }
        classes = zip(names, ids).map { DetectionClass(name: $0, id: $1) }
        normalization = ViewNormalization(mean: description.mean, deviation: description.deviation)
        try settings.model.validate(description.architecture)
        try settings.views.validate()
        try ParameterShapes.requireBackbone(of: description.architecture, in: content)
        let network = Network(description.architecture, heads: nil, seed: 0, device: device)
        detector = MaskRCNN(network, settings.model, classCount: names.count, seed: 0)
        try WeightsFile.restore(detector.state, from: content)
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func json(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        var settings = settings
        (settings.weights, settings.data.folder) = ("", "")
        let own = [
            "format": format, "settings": try json(settings), "classes": try json(classes.map(\.name)),
            "ids": try json(classes.map(\.id)),
        ]
        try SafetensorsWriter.write(
            detector.state.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) },
            metadata: description.metadata().merging(own) { $1 }, to: path)
    }
}
