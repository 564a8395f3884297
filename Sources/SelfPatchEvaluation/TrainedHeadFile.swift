import Foundation
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// One file with a backbone, what was trained on it, and all that is needed beside the numbers to use them: the settings of the run
/// without its paths, and the classes, as JSON in the file's metadata.
struct TrainedHeadFile {
    /// What such files hold, and what they call themselves.
    struct Kind {
        /// "segmenter" for `segmenter.safetensors`.
        let name: String
        let format: String
        /// "selfpatch segment".
        let command: String
    }

    let path: String
    let content: SafetensorsFile
    /// Of the backbone; its steps are those of the training.
    let description: WeightsDescription
    private let kind: Kind

    /// The file that a path leads to, itself or in the folder of a complete run; nil where there is none of this kind.
    ///
    /// - Throws: `UserError` where the file is damaged or may not be read.
    static func path(at path: String, _ kind: Kind) throws -> String? {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        let file = isFolder.boolValue ? "\(path)/\(kind.name).safetensors" : path
        guard file.hasSuffix(".safetensors"), FileManager.default.fileExists(atPath: file) else { return nil }
        return try SafetensorsFile(path: file).metadata["format"] == kind.format ? file : nil
    }

    /// - Parameter path: a file, or the folder of a complete run.
    /// - Throws: `UserError` where there is none of this kind, or it is damaged.
    init(at path: String, _ kind: Kind) throws {
        guard let file = try Self.path(at: path, kind) else {
            throw UserError(
                "\(path) holds no trained \(kind.name). Name the folder of a complete run of `\(kind.command)`, or its "
                    + "\(kind.name).safetensors; a run that was stopped goes on with `\(kind.command) --resume`.",
                kind: .usage)
        }
        self.kind = kind
        self.path = file
        content = try SafetensorsFile(path: file)
        if content.hasChecksum { try content.verifyChecksum() }
        description = try WeightsDescription(content)
    }

    /// Something of the metadata.
    func value<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value {
        guard let text = content.metadata[name], let value = try? JSONDecoder().decode(type, from: Data(text.utf8))
        else {
            throw UserError(
                "Cannot use \(path): it does not describe its \(kind.name) (its metadata lack a valid '\(name)').")
        }
        return value
    }

    var contradiction: UserError {
        UserError("Cannot use \(path): its description of the classes contradicts itself.")
    }

    /// Holds a size that the description claims against a tensor, before memory is taken for it.
    func require(_ name: String, _ shape: [Int]) throws {
        guard let found = content[name]?.shape, found.starts(with: shape) else {
            throw UserError(
                "Cannot use \(path): it describes \(name) as \(shape) and has \(content[name].map { "\($0.shape)" } ?? "none")."
            )
        }
    }

    /// A backbone of the described sizes, its numbers not read yet; only where the file has the bytes to fill it.
    func network(on device: Device) throws -> Network {
        try ParameterShapes.requireBackbone(of: description.architecture, in: content)
        return Network(description.architecture, heads: nil, seed: 0, device: device)
    }

    /// Writes such a file, whole or not at all.
    ///
    /// - Parameter values: what stands beside settings in the metadata, each as JSON.
    static func write(
        _ state: [NamedTensor], _ description: WeightsDescription, settings: some Encodable,
        values: [String: any Encodable], _ kind: Kind, to path: String
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var own = ["format": kind.format]
        for (name, value) in values.merging(["settings": settings], uniquingKeysWith: { $1 }) {
            own[name] = String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        try SafetensorsWriter.write(
            state.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) },
            metadata: description.metadata().merging(own) { $1 }, to: path)
    }
}
