/// What stands at the end of a zip file: where its directory lies and how many entries it has.
struct ZipEnd {
    let directoryOffset: Int
    let directorySize: Int
    let entryCount: Int

    private static let size = 22
    private static let locatorSize = 20
    private static let record64Size = 56

    init(_ bytes: UnsafeRawBufferPointer) throws {
        let place = bytes.count - Self.size
        guard place >= 0, Self.signature(bytes, place) == 0x0605_4B50 else { throw Self.missing(bytes) }
        var cursor = ByteCursor(bytes, from: place + 4, name: "its end record")
        let disks = (try cursor.number(UInt16.self), try cursor.number(UInt16.self))
        let counts = (try cursor.number(UInt16.self), try cursor.number(UInt16.self))
        let size = try cursor.number(UInt32.self)
        let offset = try cursor.number(UInt32.self)
        let commentLength = try cursor.number(UInt16.self)
        guard commentLength == 0 else {
            throw FileRefusal(
                .badZip, "its zip end record announces a comment of \(commentLength) bytes that is not there")
        }
        guard disks == (0, 0), counts.0 == counts.1 else {
            throw FileRefusal(.badZip, "it is one part of a zip file in several parts")
        }

        let directoryEnd: Int
        if place >= Self.locatorSize, Self.signature(bytes, place - Self.locatorSize) == 0x0706_4B50 {
            let record = try Self.record64(bytes, locator: place - Self.locatorSize)
            // Numbers that fit stand in both records and must agree.
            guard counts.1 == .max || UInt64(counts.1) == record.count, size == .max || UInt64(size) == record.size,
                offset == .max || UInt64(offset) == record.offset
            else { throw FileRefusal(.badZip, "its two zip end records disagree") }
            guard let count = Int(exactly: record.count), let size = Int(exactly: record.size),
                let offset = Int(exactly: record.offset)
            else { throw FileRefusal(.badZip, "its zip64 end record has numbers beyond 63 bits") }
            (entryCount, directorySize, directoryOffset) = (count, size, offset)
            directoryEnd = record.place
        } else {
            (entryCount, directorySize, directoryOffset) = (Int(counts.1), Int(size), Int(offset))
            directoryEnd = place
        }
        guard let end = sum(directoryOffset, directorySize), end == directoryEnd else {
            throw FileRefusal(
                .badZip,
                "its zip directory should have \(directorySize) bytes at \(directoryOffset), and the end record, which "
                    + "follows it, stands at \(directoryEnd)")
        }
        guard entryCount <= ZipReader.mostEntries else {
            throw FileRefusal(
                .tooLarge, "its zip directory has \(entryCount) entries; at most \(ZipReader.mostEntries) are read")
        }
        guard entryCount <= directorySize / ZipDirectory.smallestItem else {
            throw FileRefusal(
                .badZip,
                "its zip directory of \(directorySize) bytes cannot hold the \(entryCount) entries it announces")
        }
    }

    private static func record64(
        _ bytes: UnsafeRawBufferPointer, locator: Int
    ) throws -> (place: Int, count: UInt64, size: UInt64, offset: UInt64) {
        var cursor = ByteCursor(bytes, from: locator + 4, name: "its zip64 locator")
        let disk = try cursor.number(UInt32.self)
        let claimed = try cursor.number(UInt64.self)
        let disks = try cursor.number(UInt32.self)
        // The record has no extensible part in anybody's files, so it lies right before its locator.
        guard disk == 0, disks <= 1, locator >= record64Size, claimed == UInt64(locator - record64Size),
            signature(bytes, locator - record64Size) == 0x0606_4B50
        else { throw FileRefusal(.badZip, "its zip64 locator does not point to a zip64 end record") }
        let place = locator - record64Size
        var record = ByteCursor(bytes, from: place + 4, name: "its zip64 end record")
        let length = try record.number(UInt64.self)
        _ = try record.number(UInt32.self)  // The versions of its writer and of the readers it asks for.
        let parts = (try record.number(UInt32.self), try record.number(UInt32.self))
        let counts = (try record.number(UInt64.self), try record.number(UInt64.self))
        guard length == UInt64(record64Size - 12), parts == (0, 0), counts.0 == counts.1 else {
            throw FileRefusal(.badZip, "its zip64 end record is broken")
        }
        return (place, counts.1, try record.number(UInt64.self), try record.number(UInt64.self))
    }

    private static func missing(_ bytes: UnsafeRawBufferPointer) -> FileRefusal {
        let tail = bytes.suffix(size + Int(UInt16.max))
        let isInside = tail.indices.dropLast(3).contains { signature(bytes, $0) == 0x0605_4B50 }
        return isInside
            ? FileRefusal(.badZip, "something follows its zip end record, or the record is cut short")
            : FileRefusal(.truncated, "it begins as a zip file and has no end record, so it was cut short")
    }

    private static func signature(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt32 {
        precondition(place >= 0 && place <= bytes.count - 4)
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }
}
