/// Tells what a file is by its first bytes, so that one that is no checkpoint is called by its own name.
enum FileKind {
    /// - Throws: `FileRefusal` for everything that is neither a zip file nor a pickle.
    static func container(of bytes: UnsafeRawBufferPointer) throws -> PyTorchFile.Container {
        if begins(bytes, [0x50, 0x4B]) { return .zip }
        // PROTO, in any of the protocols that the reader knows or will complain about.
        if begins(bytes, [0x80]) { return .legacy }
        throw FileRefusal(.notACheckpoint, name(bytes))
    }

    private static func name(_ bytes: UnsafeRawBufferPointer) -> String {
        if bytes.isEmpty { return "it is empty" }
        let start = String(decoding: bytes.prefix(256), as: UTF8.self).lowercased()
            .drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        if start.hasPrefix("<!doctype") || start.hasPrefix("<html") || start.hasPrefix("<?xml") {
            return "it is a web page, as a failed download leaves behind. Download it again"
        }
        if start.hasPrefix("version https://git-lfs") {
            return "it is a Git LFS pointer, not the file itself. Fetch the file with `git lfs pull`"
        }
        if begins(bytes, [0x1F, 0x8B]) { return "it is packed with gzip. Unpack it first" }
        if begins(bytes, [0x89, 0x48, 0x44, 0x46]) { return "it is an HDF5 file, as Keras writes" }
        if begins(bytes, Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) })) { return "it is a NumPy array" }
        if isTar(bytes) {
            return "it is a tar archive. If PyTorch wrote it (before 0.2), load and save it again with a newer PyTorch"
        }
        if bytes.count > 9, bytes[8] == UInt8(ascii: "{") {
            return "it looks like a safetensors file. Give it a name that ends in .safetensors"
        }
        return "it is neither a zip file nor a pickle"
    }

    /// The mark of newer tar files, or a first entry named as in PyTorch's.
    private static func isTar(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count >= 512 else { return false }
        if bytes[257..<262].elementsEqual("ustar".utf8) { return true }
        return ["sys_info", "tensors", "storages", "pickle"].contains { begins(bytes, Array($0.utf8) + [0]) }
    }

    private static func begins(_ bytes: UnsafeRawBufferPointer, _ start: [UInt8]) -> Bool {
        bytes.prefix(start.count).elementsEqual(start)
    }
}
