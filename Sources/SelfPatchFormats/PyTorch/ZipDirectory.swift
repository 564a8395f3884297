/// The list of entries at a zip file's end (its central directory).
enum ZipDirectory {
    /// One entry as the directory claims it.
    struct Item {
        let name: String
        /// The name's bytes, to compare with those of the local header.
        let nameBytes: [UInt8]
        let flags: UInt16
        /// How it is packed; 0 is not.
        let method: UInt16
        let checksum: UInt32
        let byteCount: Int
        let headerOffset: Int

        /// True if sizes and checksum follow the content, because the writer did not know them before.
        var hasDescriptor: Bool { flags & 0x0008 != 0 }
    }

    /// Bytes of an item without name, extra field and comment.
    static let smallestItem = 46

    static func items(_ bytes: UnsafeRawBufferPointer, _ end: ZipEnd) throws -> [Item] {
        let limit = end.directoryOffset + end.directorySize
        var cursor = ByteCursor(
            UnsafeRawBufferPointer(rebasing: bytes[..<limit]), from: end.directoryOffset, name: "its zip directory")
        var items: [Item] = []
        items.reserveCapacity(end.entryCount)
        for _ in 0..<end.entryCount { items.append(try item(&cursor)) }
        guard cursor.remaining == 0 else {
            throw FileRefusal(
                .badZip, "its zip directory has \(cursor.remaining) bytes more than its \(end.entryCount) entries take")
        }
        return items
    }

    private static func item(_ cursor: inout ByteCursor) throws -> Item {
        guard try cursor.number(UInt32.self) == 0x0201_4B50 else {
            throw FileRefusal(.badZip, "its zip directory is broken at byte \(cursor.position - 4)")
        }
        _ = try cursor.number(UInt32.self)  // The versions of its writer and of the readers it asks for.
        let flags = try cursor.number(UInt16.self)
        let method = try cursor.number(UInt16.self)
        _ = try cursor.number(UInt32.self)  // Time and date.
        let checksum = try cursor.number(UInt32.self)
        let sizes = (try cursor.number(UInt32.self), try cursor.number(UInt32.self))
        let nameLength = try cursor.number(UInt16.self)
        let extraLength = try cursor.number(UInt16.self)
        let commentLength = try cursor.number(UInt16.self)
        let disk = try cursor.number(UInt16.self)
        _ = try cursor.take(6)  // Attributes of the file that it once was.
        let offset = try cursor.number(UInt32.self)
        let nameBytes = Array(try cursor.take(Int(nameLength)))
        let extra = try cursor.take(Int(extraLength))
        _ = try cursor.take(Int(commentLength))

        let name = try checked(nameBytes)
        let field = try Zip64Field.find(in: extra, entry: name)
        let (numbers, isPart) = try Zip64Field.fill([sizes.1, sizes.0, offset], from: field, disk: disk, entry: name)
        guard !isPart else { throw FileRefusal(.badZip, "it is one part of a zip file in several parts") }
        // Bit 0: encrypted; bit 6: strongly; bit 13: the headers too.
        guard flags & 0x2041 == 0 else { throw FileRefusal(.encrypted, "its entry \(quoted(name)) is encrypted") }
        guard method != 0 || numbers[0] == numbers[1] else {
            throw FileRefusal(
                .badZip,
                "its entry \(quoted(name)) is stored as it is, yet has two sizes, \(numbers[0]) and \(numbers[1])")
        }
        return Item(
            name: name, nameBytes: nameBytes, flags: flags, method: method, checksum: checksum,
            byteCount: numbers[0], headerOffset: numbers[2])
    }

    /// A name that stays in its folder whoever unpacks it.
    private static func checked(_ bytes: [UInt8]) throws -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else {
            throw FileRefusal(.badPath, "it has an entry whose name is not UTF-8")
        }
        let isPlain = bytes.allSatisfy {
            $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: ":")
        }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard isPlain, parts.allSatisfy({ !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) })
        else { throw FileRefusal(.badPath, "it has an entry with the unsafe name \(quoted(name))") }
        return name
    }
}

/// The 64-bit numbers of an entry, which stand in its extra field.
enum Zip64Field {
    /// The content of the zip64 field among the extra fields; nil if there is none.
    ///
    /// - Throws: `FileRefusal` where the extra fields are broken, or this one is there twice.
    static func find(in extra: UnsafeRawBufferPointer, entry: String) throws -> UnsafeRawBufferPointer? {
        var field: UnsafeRawBufferPointer?
        var cursor = ByteCursor(extra, name: "the extra field")
        while cursor.remaining > 0 {
            guard cursor.remaining >= 4 else { throw refusal(entry, "is broken") }
            let kind = try cursor.number(UInt16.self)
            let length = Int(try cursor.number(UInt16.self))
            guard length <= cursor.remaining else { throw refusal(entry, "is cut short") }
            let content = try cursor.take(length)
            guard kind == 0x0001 else { continue }
            guard field == nil else { throw refusal(entry, "has 64-bit numbers twice") }
            field = content
        }
        return field
    }

    /// Replaces each number that is all ones by the next one of the zip64 field.
    ///
    /// - Returns: the numbers, all of which fit, and whether the entry lies in another part of a zip in several parts.
    /// - Throws: `FileRefusal` where a number is missing or too large.
    static func fill(
        _ numbers: [UInt32], from field: UnsafeRawBufferPointer?, disk: UInt16 = 0, entry: String
    ) throws -> (numbers: [Int], isPart: Bool) {
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        var wide = ByteCursor(field ?? empty, name: "the extra field")
        let filled = try numbers.map { number in
            guard number == .max else { return Int(number) }
            guard wide.remaining >= 8 else { throw refusal(entry, "lacks a 64-bit number") }
            guard let value = Int(exactly: try wide.number(UInt64.self)) else {
                throw refusal(entry, "has a number beyond 63 bits")
            }
            return value
        }
        guard disk == .max else { return (filled, disk != 0) }
        guard wide.remaining >= 4 else { throw refusal(entry, "lacks a number") }
        return (filled, try wide.number(UInt32.self) != 0)
    }

    private static func refusal(_ entry: String, _ what: String) -> FileRefusal {
        FileRefusal(.badZip, "the extra field of its entry \(quoted(entry)) \(what)")
    }
}
