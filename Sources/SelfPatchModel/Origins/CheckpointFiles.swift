import Foundation
import SelfPatchFormats

/// A checkpoint of whatever program, opened: its tensors by name, and what is told beside and within that is not in the
/// tensors. Nothing of the tensors has been read.
public struct CheckpointFiles {
    public enum Container: Sendable {
        case safetensors
        case pyTorch
    }

    /// The file, or the index of several.
    public let path: String
    /// All files with tensors: one, or the parts that an index names.
    public let files: [String]
    public let container: Container
    public let tensors: [StoredTensor]
    /// Nil where it is no single safetensors file.
    package let safetensors: SafetensorsFile?
    /// Nil where it is no single PyTorch file.
    package let pyTorch: PyTorchFile?
    /// `config.json` beside the tensors.
    package let configuration: JSONValue?
    /// `preprocessor_config.json` beside the tensors.
    package let preprocessor: JSONValue?

    /// - Parameter path: a file of tensors, or a folder that holds one, or one in parts with their index.
    /// - Throws: `UserError` that names the file and what is wrong with it.
    public init(path: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw UserError.file("read", path, ENOENT)
        }
        let file = isFolder.boolValue ? try Self.tensorFile(in: path) : path
        let folder = FilePath.folder(of: file)
        func beside(_ name: String) throws -> JSONValue? {
            let path = "\(folder)/\(name)"
            return FileManager.default.fileExists(atPath: path) ? try JSONValue(path: path) : nil
        }
        configuration = try beside(Self.configurationName)
        preprocessor = try beside("preprocessor_config.json")
        if file.hasSuffix(Self.indexSuffix) {
            (container, tensors, files) = try Self.parts(index: file)
            (self.path, safetensors, pyTorch) = (file, nil, nil)
        } else if try Self.isSafetensors(file) {
            let opened = try SafetensorsFile(path: file)
            (container, tensors, files, self.path) = (.safetensors, opened.storedTensors, [file], file)
            (safetensors, pyTorch) = (opened, nil)
        } else {
            let opened = try PyTorchFile(path: file)
            (container, tensors, files, self.path) = (.pyTorch, opened.storedTensors, [file], file)
            (safetensors, pyTorch) = (nil, opened)
        }
    }

    static let configurationName = "config.json"
    private static let indexSuffix = ".index.json"

    /// Where its only file is one of several, as `model-00001-of-00002.safetensors`: what to do instead.
    var partAlone: String? {
        let name = (path as NSString).lastPathComponent
        guard files.count == 1, let match = name.firstMatch(of: /^(.+)-(\d{5})-of-(\d{5})(\.[a-z]+)$/),
            let part = Int(match.2), let count = Int(match.3), count > 1
        else { return nil }
        return
            "it is part \(part) of \(count). Name the folder, in which \(match.1)\(match.4)\(Self.indexSuffix) says what lies in "
            + "which part."
    }

    /// Whether a file is to be read as safetensors; everything else is left to the reader of PyTorch's files, which knows what
    /// other things files may be.
    package static func isSafetensors(_ path: String) throws -> Bool {
        if path.hasSuffix(".safetensors") { return true }
        return try MappedFile(path: path).withBytes { $0.count > 8 && $0[8] == UInt8(ascii: "{") }
    }

    /// The file of tensors in a folder, by the names that programs give it, or the only one there.
    private static func tensorFile(in folder: String) throws -> String {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw UserError("Cannot read the folder \(folder).")
        }
        let usual = [
            "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
        ]
        if let name = usual.first(where: names.contains) { return folder + "/" + name }
        let tensorFiles = names.filter { name in
            [".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar"].contains { name.hasSuffix($0) }
        }
        if tensorFiles.count == 1 { return folder + "/" + tensorFiles[0] }
        // Beside a checkpoint may lie features, statistics and the like.
        let networks = tensorFiles.filter { holdsNetwork(folder + "/" + $0) }
        if networks.count == 1 { return folder + "/" + networks[0] }
        switch tensorFiles.count {
        case 0:
            throw UserError(
                "\(folder) holds no run (it has no settings.yaml) and no weights: neither \(usual.joined(separator: ", ")) nor "
                    + "another file of tensors.", kind: .usage)
        default:
            throw UserError(
                "\(folder) holds several files of tensors: \(tensorFiles.prefix(8).joined(separator: ", ")). Name one of them.",
                kind: .usage)
        }
    }

    /// Whether a file can be read and a tensor in it has a name that every network has.
    private static func holdsNetwork(_ path: String) -> Bool {
        let source: (any TensorSource)?
        do {
            source = try isSafetensors(path) ? SafetensorsFile(path: path) : PyTorchFile(path: path)
        } catch {
            source = nil
        }
        return source?.storedTensors.contains { tensor in
            [BackboneNames.landmark, HuggingFaceWeights.landmark].contains { tensor.name.hasSuffix($0) }
        } ?? false
    }

    /// The tensors of all parts that an index names.
    private static func parts(index path: String) throws -> (Container, [StoredTensor], files: [String]) {
        guard let map = try JSONValue(path: path)["weight_map"]?.object else {
            throw UserError("Cannot read \(path): it has no 'weight_map', which says in which file each tensor lies.")
        }
        let folder = FilePath.folder(of: path)
        var names: [String: [String]] = [:]
        for (tensor, file) in map {
            // A plain name: an index may not lead out of its folder.
            guard let file = file.string, !file.isEmpty, !file.contains("/"), file != "..", file != "." else {
                throw UserError(
                    "Cannot read \(path): it says that '\(PrintableName.of(tensor))' lies in a file without a plain name."
                )
            }
            names[file, default: []].append(PrintableName.of(tensor))
        }
        var tensors: [StoredTensor] = []
        var container = Container.safetensors
        for (file, wanted) in names.sorted(by: { $0.key < $1.key }) {
            let part = folder + "/" + file
            let source: any TensorSource
            if try isSafetensors(part) {
                source = try SafetensorsFile(path: part)
            } else {
                source = try PyTorchFile(path: part)
                container = .pyTorch
            }
            let found = Dictionary(source.storedTensors.map { ($0.name, $0) }) { first, _ in first }
            for name in wanted.sorted() {
                guard let tensor = found[name] else {
                    throw UserError("\(path) says that \(part) holds '\(name)', but it does not.")
                }
                tensors.append(tensor)
            }
        }
        return (container, tensors, names.keys.sorted().map { folder + "/" + $0 })
    }
}
