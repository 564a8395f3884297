/// Writes zip files of stored entries whose contents begin at multiples of 64 bytes.
struct ZipWriter {
    /// Numbers below this fit into 32 bits; the number itself is the sign for "see the 64-bit field".
    static let widestNarrow = Int(UInt32.max)
    private static let alignment = 64

    private struct Record {
        let name: [UInt8]
        let offset: Int
        let byteCount: Int
        let checksum: UInt32
    }

    private let output: AtomicFile.Output
    private let limit: Int
    private var records: [Record] = []

    /// - Parameter limit: numbers from here on are written in 64 bits.
    init(_ output: AtomicFile.Output, wideFrom limit: Int = widestNarrow) {
        precondition(limit <= Self.widestNarrow)
        self.output = output
        self.limit = limit
    }

    mutating func add(_ name: String, _ content: [UInt8]) throws {
        try add(name, byteCount: content.count) { append in try content.withUnsafeBytes(append) }
    }

    /// - Parameter withBytes: lends the content to its argument, in one piece or in several in order.
    mutating func add(
        _ name: String, byteCount: Int, withBytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let offset = output.count
        let nameBytes = Array(name.utf8)
        var extra: [UInt8] = []
        if byteCount >= limit {
            extra += Self.bytes(UInt16(1), UInt16(16)) + Self.bytes(UInt64(byteCount), UInt64(byteCount))
        }
        // The rest up to the alignment is a field that PyTorch, too, fills with the letter Z.
        let unpadded = offset + 30 + nameBytes.count + extra.count + 4
        let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment
        extra += Self.bytes(UInt16(0x4246), UInt16(padding)) + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)

        var header = Self.bytes(UInt32(0x0403_4B50)) + versionFlagsMethodAndTime(isWide: byteCount >= limit)
        let checksumPlace = offset + header.count
        header += Self.bytes(UInt32(0), narrow(byteCount), narrow(byteCount))
        header += Self.bytes(UInt16(nameBytes.count), UInt16(extra.count)) + nameBytes + extra
        try append(header)

        var checksum = CRC32()
        let start = output.count
        try withBytes { bytes in
            checksum.update(bytes)
            try output.append(bytes)
        }
        precondition(
            output.count - start == byteCount, "'\(name)' gave \(output.count - start) bytes instead of \(byteCount)")
        try output.replace(at: checksumPlace, with: Self.bytes(checksum.value))
        records.append(Record(name: nameBytes, offset: offset, byteCount: byteCount, checksum: checksum.value))
    }

    /// Writes the directory.
    func finish() throws {
        let start = output.count
        for record in records { try append(directoryItem(record)) }
        let size = output.count - start
        let isWide = size >= limit || start >= limit || records.count >= min(limit, Int(UInt16.max))
        if isWide {
            let place = output.count
            let counts = Self.bytes(UInt64(records.count), UInt64(records.count))
            try append(
                Self.bytes(UInt32(0x0606_4B50)) + Self.bytes(UInt64(44)) + Self.bytes(UInt16(45), UInt16(45))
                    + Self.bytes(UInt32(0), UInt32(0)) + counts + Self.bytes(UInt64(size), UInt64(start)))
            try append(
                Self.bytes(UInt32(0x0706_4B50), UInt32(0)) + Self.bytes(UInt64(place)) + Self.bytes(UInt32(1)))
        }
        let count = isWide ? UInt16.max : UInt16(records.count)
        try append(
            Self.bytes(UInt32(0x0605_4B50)) + Self.bytes(UInt16(0), UInt16(0), count, count)
                + Self.bytes(narrow(size), narrow(start)) + Self.bytes(UInt16(0)))
    }

    private func directoryItem(_ record: Record) -> [UInt8] {
        var wide: [UInt8] = []
        if record.byteCount >= limit { wide += Self.bytes(UInt64(record.byteCount), UInt64(record.byteCount)) }
        if record.offset >= limit { wide += Self.bytes(UInt64(record.offset)) }
        let extra = wide.isEmpty ? [] : Self.bytes(UInt16(1), UInt16(wide.count)) + wide
        return Self.bytes(UInt32(0x0201_4B50)) + Self.bytes(UInt16(45))
            + versionFlagsMethodAndTime(isWide: !wide.isEmpty)
            + Self.bytes(record.checksum, narrow(record.byteCount), narrow(record.byteCount))
            + Self.bytes(UInt16(record.name.count), UInt16(extra.count), UInt16(0), UInt16(0), UInt16(0))
            + Self.bytes(UInt32(0), narrow(record.offset)) + record.name + extra
    }

    /// The version that a reader needs, "names are UTF-8", stored, and the first day that zip knows: the same items give
    /// the same bytes at any time.
    private func versionFlagsMethodAndTime(isWide: Bool) -> [UInt8] {
        Self.bytes(UInt16(isWide ? 45 : 20), UInt16(0x0800), UInt16(0), UInt16(0), UInt16(0x0021))
    }

    private func narrow(_ number: Int) -> UInt32 { number >= limit ? .max : UInt32(number) }

    private func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes(output.append) }

    private static func bytes<Number: FixedWidthInteger>(_ numbers: Number...) -> [UInt8] {
        numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
    }
}
