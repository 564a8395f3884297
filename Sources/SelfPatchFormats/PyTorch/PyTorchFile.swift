/// A checkpoint as `torch.save` writes it, mapped into memory and read as data: its plain values as a tree, and its
/// tensors as views of the mapped bytes. Nothing in the file is ever run.
///
/// Read are the zip files of PyTorch 1.6 and later and the older ones without zip. Refused, with the kind of file that it
/// is where that can be told: TorchScript programs, tar archives, packed or encrypted zips, big-endian files, pages that
/// a failed download left behind, and every pickle that asks for more than tensors, plain values and a few inert classes
/// (`argparse.Namespace` becomes its attributes).
///
/// Opening costs the same for a file of any size; a tensor's bytes are read, and in zip files compared with their
/// checksum, when they are first asked for. The file must not be cut short by others meanwhile.
public final class PyTorchFile: Sendable {
    public enum Container: Sendable {
        case zip
        /// Without zip, as PyTorch wrote until 1.5 and writes on request since; it carries no checksums.
        case legacy
    }

    /// A tensor: a view of bytes of the file.
    public struct Tensor: Sendable, Equatable {
        public let elementType: SafetensorsFile.ElementType
        public let shape: [Int]
        /// In elements; 0 shows the same element again.
        public let strides: [Int]
        /// Of its first element, from the file's start, in bytes. Not always a multiple of the element's size.
        public let offset: Int
        /// Tensors of one storage may share bytes.
        public let storage: Int

        /// Elements.
        public var count: Int { shape.reduce(1, *) }
        /// Bytes of all elements, one after the other.
        public var byteCount: Int { count * elementType.byteCount }

        /// True if the elements lie one after the other in the file, in row-major order.
        public var isContiguous: Bool {
            var expected = 1
            for (size, stride) in zip(shape, strides).reversed() where size != 1 {
                if stride != expected { return count == 0 }
                expected *= size
            }
            return true
        }
    }

    /// A tensor under its name: the keys that lead to it, joined by dots. No two entries have the same.
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let tensor: Tensor
    }

    /// Bytes of one storage.
    struct Storage: Sendable {
        let offset: Int
        let byteCount: Int
        /// The entry to compare with its checksum; nil in files without checksums.
        let zipEntry: ZipReader.Entry?
    }

    /// What a container's reader found.
    struct Content {
        let root: PickleValue
        let tensors: [TensorClaim]
        let storages: [Storage]
    }

    public let path: String
    public let container: Container
    /// What was saved; tensors in it are indices of ``tensors``.
    public let root: PickleValue
    /// In the order in which the file describes them.
    public let tensors: [Tensor]
    /// All tensors by name, in the tree's order: ``entries(below:)`` of the root.
    public let entries: [Entry]

    let file: MappedFile
    let storages: [Storage]
    let verified: VerifiedStorages

    /// Maps the file and reads everything but the tensors' bytes.
    ///
    /// - Throws: `UserError` that names the file and what is wrong or refused.
    public convenience init(path: String) throws {
        let file = try MappedFile(path: path)
        do {
            try self.init(file)
        } catch let refusal as FileRefusal {
            throw Self.error(refusal, path)
        }
    }

    /// - Parameter verifiesChecksums: false for programs that damage files to see what the readers behind the checksums do.
    /// - Throws: `FileRefusal`.
    package init(_ file: MappedFile, verifiesChecksums: Bool = true) throws {
        let (container, content, names) = try file.withBytes { bytes in
            let container = try FileKind.container(of: bytes)
            let content =
                switch container {
                case .zip: try Self.readZip(bytes, verifiesChecksums: verifiesChecksums)
                case .legacy: try Self.readLegacy(bytes)
                }
            return (container, content, try TensorNames.list(below: content.root))
        }
        let tensors = content.tensors.map { claim in
            // Fits: the claim lies in its storage, and the storage in the file.
            let offset = content.storages[claim.storage].offset + claim.offset * claim.elementType.byteCount
            return Tensor(
                elementType: claim.elementType, shape: claim.shape, strides: claim.strides, offset: offset,
                storage: claim.storage)
        }
        path = file.path
        self.file = file
        self.container = container
        self.tensors = tensors
        root = content.root
        storages = content.storages
        entries = names.map { Entry(name: $0.name, tensor: tensors[$0.index]) }
        verified = VerifiedStorages(count: content.storages.count)
    }

    /// The tensors in a part of the tree, named by the keys that lead to them from there, joined by dots: of
    /// `root["teacher"]` for example `backbone.pos_embed`.
    ///
    /// - Parameter value: of this file.
    /// - Throws: `UserError` if there are unreasonably many.
    public func entries(below value: PickleValue) throws -> [Entry] {
        do {
            return try TensorNames.list(below: value).map { Entry(name: $0.name, tensor: tensors[$0.index]) }
        } catch let refusal as FileRefusal {
            throw Self.error(refusal, path)
        }
    }

    /// The tensor of this name, or nil.
    public subscript(name: String) -> Tensor? { entries.first { $0.name == name }?.tensor }

    static func error(_ refusal: FileRefusal, _ path: String) -> UserError {
        UserError("Cannot read \(path) as a PyTorch file: \(refusal.sentence).")
    }
}
