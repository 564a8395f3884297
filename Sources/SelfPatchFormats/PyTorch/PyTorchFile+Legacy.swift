// The files without zip: five pickles one after the other (a magic number, the protocol, facts about the machine, the
// object, the storages' keys), then each storage in the keys' order: how many elements, and their bytes.
extension PyTorchFile {
    static func readLegacy(_ bytes: UnsafeRawBufferPointer) throws -> Content {
        let protocolStart = try readMagic(bytes)
        let version = try PickleReader.read(bytes, from: protocolStart, storages: .none)
        guard version.root == .int(1001) else {
            throw FileRefusal(.notACheckpoint, "it has another protocol than the 1001 of PyTorch's files without zip")
        }
        let facts = try PickleReader.read(bytes, from: version.end, storages: .none)
        switch facts.root["little_endian"] {
        case .bool(true): break
        case .bool(false):
            throw FileRefusal(
                .bigEndian, "a big-endian machine wrote it. Load and save it with PyTorch on an ordinary machine")
        default: throw FileRefusal(.badPickle, "it does not say in which byte order it is")
        }
        let object = try PickleReader.read(bytes, from: facts.end, storages: .six)
        let (keys, keysEnd) = try readKeys(bytes, from: object.end)

        var places: [String: Storage] = [:]
        let claims = Dictionary(uniqueKeysWithValues: object.storages.map { ($0.key, $0) })
        var cursor = ByteCursor(bytes, from: keysEnd, name: "it")
        for key in keys {
            guard let claim = claims[key], places[key] == nil else {
                throw FileRefusal(.badStorage, "it lists the storage \(quoted(key)) twice or for no tensor")
            }
            let count = try cursor.number(Int64.self)
            guard count == Int64(claim.count) else {
                throw FileRefusal(
                    .badStorage, "storage \(key) has \(count) elements, where its tensors speak of \(claim.count)")
            }
            places[key] = Storage(offset: cursor.position, byteCount: claim.byteCount, zipEntry: nil)
            _ = try cursor.take(claim.byteCount)
        }
        let storages = try object.storages.map { claim in
            guard let place = places[claim.key] else {
                throw FileRefusal(.badStorage, "it lacks the storage \(claim.key) of a tensor")
            }
            return place
        }
        return Content(root: object.root, tensors: object.tensors, storages: storages)
    }

    /// The number 0x1950A86A20F9469CFC6C, little-endian. - Returns: where the next pickle begins.
    private static func readMagic(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        guard let first = try? PickleReader.read(bytes, storages: .none), first.root == .largeInt(magic) else {
            throw FileRefusal(.notACheckpoint, "it is a pickle, but none that PyTorch wrote")
        }
        return first.end
    }

    private static func readKeys(
        _ bytes: UnsafeRawBufferPointer, from start: Int
    ) throws -> (keys: [String], end: Int) {
        do {
            let content = try PickleReader.read(bytes, from: start, storages: .none)
            guard case .list(let items) = content.root else {
                throw FileRefusal(.badStorage, "its list of storages is no list")
            }
            let keys = try items.map {
                guard case .string(let key) = $0 else {
                    throw FileRefusal(.badStorage, "its list of storages has something that is no text")
                }
                return key
            }
            return (keys, content.end)
        } catch let refusal as FileRefusal where refusal.reason == .badPickle || refusal.reason == .forbiddenOpcode {
            throw FileRefusal(.badStorage, "its list of storages is missing or broken: \(refusal.sentence)")
        }
    }
}
