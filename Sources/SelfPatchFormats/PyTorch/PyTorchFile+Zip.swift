// The zip files of PyTorch 1.6 and later: `data.pkl` and the storages `data/0`, `data/1`, ... in one folder.
extension PyTorchFile {
    static func readZip(_ bytes: UnsafeRawBufferPointer, verifiesChecksums: Bool) throws -> Content {
        let zip = try ZipReader(bytes, recognize: refusePrograms)
        let root = try rootFolder(of: zip)
        func verified(_ name: String) throws -> UnsafeRawBufferPointer? {
            guard let entry = zip[root + name] else { return nil }
            if verifiesChecksums && zip.hasChecksums { try ZipReader.verify(entry, in: bytes) }
            return ZipReader.content(of: entry, in: bytes)
        }

        if let order = zip[root + "byteorder"] {
            guard order.byteCount <= 16, let text = try verified("byteorder") else {
                throw FileRefusal(.badZip, "its entry 'byteorder' has \(order.byteCount) bytes")
            }
            if text.elementsEqual("big".utf8) {
                throw FileRefusal(
                    .bigEndian, "a big-endian machine wrote it. Load and save it with PyTorch on an ordinary machine")
            }
            guard text.elementsEqual("little".utf8) else {
                throw FileRefusal(
                    .badZip, "its byte order is \(quoted(String(decoding: text, as: UTF8.self))), not 'little' or 'big'"
                )
            }
        }
        let limits = PickleReader.Limits()
        guard let entry = zip[root + "data.pkl"], entry.byteCount <= limits.bytes, let pickle = try verified("data.pkl")
        else {
            throw FileRefusal(.tooLarge, "its pickle has more than \(limits.bytes) bytes, tensors not counted")
        }
        let content = try PickleReader.read(pickle, storages: .five, limits: limits)
        guard content.end == pickle.count else {
            throw FileRefusal(.badPickle, "\(pickle.count - content.end) bytes follow the end of its pickle")
        }
        let storages = try content.storages.map { claim in
            guard let entry = zip[root + "data/" + claim.key] else {
                throw FileRefusal(.badStorage, "it lacks the entry \(quoted("data/" + claim.key)), a tensor's storage")
            }
            guard entry.byteCount == claim.byteCount else {
                throw FileRefusal(
                    .badStorage,
                    "its entry \(quoted(entry.name)) has \(entry.byteCount) bytes, where \(claim.count) elements of "
                        + "\(claim.elementType.rawValue) take \(claim.byteCount)")
            }
            return Storage(
                offset: entry.offset, byteCount: entry.byteCount,
                zipEntry: verifiesChecksums && zip.hasChecksums ? entry : nil)
        }
        return Content(root: content.root, tensors: content.tensors, storages: storages)
    }

    /// The folder that holds everything, with its slash.
    private static func rootFolder(of zip: ZipReader) throws -> String {
        let pickles = zip.entries.map(\.name).filter {
            $0.hasSuffix("/data.pkl") && $0.split(separator: "/").count == 2
        }
        guard let first = pickles.first else {
            throw FileRefusal(
                .notACheckpoint,
                zip.entries.isEmpty
                    ? "it is an empty zip file" : "it is a zip file, but none of PyTorch's: it has no data.pkl")
        }
        let root = String(first.dropLast("data.pkl".count))
        if let stranger = zip.entries.first(where: { !$0.name.hasPrefix(root) }) {
            throw FileRefusal(
                .badZip, "its entry \(quoted(stranger.name)) lies outside of the folder of \(quoted(first))")
        }
        return root
    }

    /// TorchScript's files have programs beside the tensors, which are packed.
    private static func refusePrograms(_ names: [String]) throws {
        let isProgram = names.contains { name in
            let parts = name.split(separator: "/", maxSplits: 2)
            return parts.count == 3 && parts[1] == "code" || parts.count == 2 && parts[1] == "constants.pkl"
        }
        guard !isProgram else {
            throw FileRefusal(
                .torchScript,
                "it is a TorchScript program, not a checkpoint. Save its weights in Python: "
                    + "`torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")`")
        }
    }
}
