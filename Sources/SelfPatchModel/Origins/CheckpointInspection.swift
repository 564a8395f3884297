import Foundation
import SelfPatchFormats

/// What a checkpoint is, found without reading its tensors.
public struct CheckpointInspection: Encodable {
    /// A tensor in the file's order, under the file's name.
    public struct Tensor: Encodable {
        public let name: String
        public let elementType: String
        public let shape: [Int]

        public var count: Int { shape.reduce(1, *) }
    }

    public let path: String
    /// "safetensors", "PyTorch's zip" ...
    public let container: String
    /// Of all its files.
    public let fileBytes: Int
    /// Nil where it holds no network that can be used.
    public let origin: Origin?
    public let architecture: Architecture?
    public let mean: [Double]?
    public let deviation: [Double]?
    public let viewSize: [Int]?
    /// Training steps behind it, where it tells.
    public let step: Int?
    /// What was found and decided about weights of another program, in sentences.
    public let notes: [String]
    /// Why it cannot be used as it is.
    public let problem: String?
    /// How its bytes are protected, and whether they were compared.
    public let checksum: String
    /// What it says in words and numbers: a safetensors file's metadata, or the plain values in a PyTorch file.
    public let settings: JSONValue
    public let tensors: [Tensor]
    /// Numbers in all tensors.
    public let parameterCount: Int
    /// Bytes of all tensors.
    public let tensorBytes: Int

    /// - Parameters:
    ///   - options: as for using it.
    ///   - verifies: also compares all bytes with their checksums, which takes as long as reading them.
    /// - Throws: `UserError` where the file cannot be read, or where a checksum differs.
    public init(path: String, options: ForeignWeights.Options = .init(), verifies: Bool = false) throws {
        let checkpoint = try CheckpointFiles(path: path)
        self.path = checkpoint.path
        container = Self.container(of: checkpoint)
        fileBytes = checkpoint.files.reduce(0) { bytes, file in
            bytes + ((try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) ?? 0)
        }
        checksum = try Self.checksum(of: checkpoint, verifies: verifies)
        settings = Self.settings(of: checkpoint)
        tensors = checkpoint.tensors.map {
            Tensor(name: $0.name, elementType: $0.elementType.rawValue, shape: $0.shape)
        }
        parameterCount = tensors.reduce(0) { $0 &+ $1.count }
        tensorBytes = checkpoint.tensors.reduce(0) { $0 &+ $1.shape.reduce($1.elementType.byteCount, *) }

        var description: WeightsDescription?
        var notes: [String] = []
        var problem: String?
        do {
            if let file = checkpoint.safetensors, WeightsDescription.isIn(file) {
                description = try WeightsDescription(file)
            } else {
                let weights = try ForeignWeights(checkpoint, options: options)
                (description, notes) = (weights.description, weights.notes)
            }
        } catch let error as UserError {
            problem = error.message
        }
        (self.notes, self.problem) = (notes, problem)
        origin = description?.origin
        architecture = description?.architecture
        (mean, deviation, viewSize) = (description?.mean, description?.deviation, description?.viewSize)
        step = description.flatMap { $0.origin == .selfpatch ? $0.steps : nil }
    }

    private static func container(of checkpoint: CheckpointFiles) -> String {
        if let file = checkpoint.pyTorch {
            return file.container == .zip ? "PyTorch's zip" : "PyTorch's older form, without zip"
        }
        let name = checkpoint.container == .safetensors ? "safetensors" : "PyTorch's files"
        return checkpoint.safetensors == nil ? "\(name) in parts" : name
    }

    private static func checksum(of checkpoint: CheckpointFiles, verifies: Bool) throws -> String {
        if let file = checkpoint.safetensors {
            guard file.hasChecksum else { return "none, another program wrote it" }
            if verifies { try file.verifyChecksum() }
            return
                "\(PrintableName.of(file.metadata["crc32"] ?? "")), \(verifies ? "compared and right" : "not compared")"
        }
        guard let file = checkpoint.pyTorch, file.container == .zip else { return "none" }
        if verifies { try file.verifyChecksums() }
        return "one for each tensor's bytes, \(verifies ? "compared and right" : "not compared")"
    }

    /// Metadata are text that is mostly JSON; what is JSON is taken apart.
    private static func settings(of checkpoint: CheckpointFiles) -> JSONValue {
        if let file = checkpoint.pyTorch { return file.root.plainValues() ?? .object([:]) }
        let metadata = checkpoint.safetensors?.metadata ?? [:]
        return .object(
            metadata.filter { $0.key != "crc32" }.mapValues { text in
                (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .string(text)
            })
    }
}
