/// The header in front of an entry's content, which must say the same as the directory.
enum ZipLocalHeader {
    private static let size = 30

    /// Where an entry's content begins, and where the entry ends, with the sizes and checksum that may follow it.
    static func place(
        of item: ZipDirectory.Item, in bytes: UnsafeRawBufferPointer, directoryOffset: Int
    ) throws -> (content: Int, end: Int) {
        func refusal(_ what: String, _ reason: FileRefusal.Reason = .badZip) -> FileRefusal {
            FileRefusal(reason, "its zip entry \(quoted(item.name)) \(what)")
        }
        guard item.headerOffset <= directoryOffset - size else {
            throw refusal("should begin at byte \(item.headerOffset), the zip directory at \(directoryOffset)")
        }
        // All entries lie before the directory.
        let area = UnsafeRawBufferPointer(rebasing: bytes[..<directoryOffset])
        var cursor = ByteCursor(area, from: item.headerOffset, name: "its zip file")
        guard try cursor.number(UInt32.self) == 0x0403_4B50 else {
            throw refusal("has no header at byte \(item.headerOffset)")
        }
        _ = try cursor.number(UInt16.self)  // The version of readers it asks for.
        let flags = try cursor.number(UInt16.self)
        let method = try cursor.number(UInt16.self)
        _ = try cursor.number(UInt32.self)  // Time and date.
        let checksum = try cursor.number(UInt32.self)
        let sizes = (try cursor.number(UInt32.self), try cursor.number(UInt32.self))
        let nameLength = Int(try cursor.number(UInt16.self))
        let extraLength = Int(try cursor.number(UInt16.self))
        guard nameLength <= cursor.remaining, try cursor.take(nameLength).elementsEqual(item.nameBytes) else {
            throw refusal("has another name in its own header")
        }
        guard flags == item.flags, method == 0 else { throw refusal("is described otherwise in its own header") }
        let extra = try cursor.take(extraLength)
        if !item.hasDescriptor {
            let field = try Zip64Field.find(in: extra, entry: item.name)
            // Some writers say "see the 64-bit field" here and have that field in the directory only.
            let leavesOut = field == nil && sizes == (.max, .max)
            let own = leavesOut ? [] : try Zip64Field.fill([sizes.1, sizes.0], from: field, entry: item.name).numbers
            guard own.allSatisfy({ $0 == item.byteCount }), checksum == item.checksum else {
                throw refusal("has another size or checksum in its own header")
            }
        }
        let content = cursor.position
        guard item.byteCount <= cursor.remaining else {
            throw refusal(
                "should have \(item.byteCount) bytes at byte \(content), where \(cursor.remaining) follow", .truncated)
        }
        _ = try cursor.take(item.byteCount)
        guard item.hasDescriptor else { return (content, cursor.position) }
        guard let length = descriptorLength(area, cursor.position, item) else {
            throw refusal("has another size or checksum behind its content than in the zip directory")
        }
        return (content, cursor.position + length)
    }

    /// Bytes of the sizes and checksum behind the content: with or without a signature, of 32 or 64 bits. Nil if none of
    /// these is there and true.
    private static func descriptorLength(
        _ area: UnsafeRawBufferPointer, _ place: Int, _ item: ZipDirectory.Item
    ) -> Int? {
        let byteCount = UInt64(item.byteCount)
        for hasSignature in [true, false] {
            for isWide in [false, true] {
                var expected: [UInt8] = hasSignature ? [0x50, 0x4B, 0x07, 0x08] : []
                withUnsafeBytes(of: item.checksum.littleEndian) { expected += $0 }
                for _ in 0..<2 {
                    if isWide {
                        withUnsafeBytes(of: byteCount.littleEndian) { expected += $0 }
                    } else {
                        withUnsafeBytes(of: UInt32(truncatingIfNeeded: byteCount).littleEndian) { expected += $0 }
                    }
                }
                guard isWide || byteCount <= UInt64(UInt32.max), expected.count <= area.count - place else { continue }
                if area[place..<(place + expected.count)].elementsEqual(expected) { return expected.count }
            }
        }
        return nil
    }
}
