/// A safetensors file, mapped into memory; everything that it claims is checked before anything is read or allocated.
///
/// The format: eight bytes with the header's length (little-endian), the header (JSON: each tensor's element type, shape
/// and place, and a map of strings called `__metadata__`), then the tensors' bytes without gaps or overlaps.
/// Refused, with the file's name and what is wrong: wrong lengths, JSON that is not just such a header, names that come
/// twice, shapes whose product overflows or does not fit the bytes, tensors outside the file, overlaps and gaps.
///
/// The file must not be cut short by others while it is mapped (the system would stop the program).
public final class SafetensorsFile: Sendable {
    public let path: String
    /// The strings of `__metadata__`.
    public let metadata: [String: String]
    /// All tensors in the order of their bytes.
    public let entries: [Entry]

    /// The type of one element; the raw value is the format's own name.
    public enum ElementType: String, Sendable, CaseIterable {
        case f64 = "F64"
        case f32 = "F32"
        case f16 = "F16"
        case bf16 = "BF16"
        case i64 = "I64"
        case i32 = "I32"
        case i16 = "I16"
        case i8 = "I8"
        case u8 = "U8"
        case bool = "BOOL"

        /// Bytes of one element.
        public var byteCount: Int {
            switch self {
            case .f64, .i64: 8
            case .f32, .i32: 4
            case .f16, .bf16, .i16: 2
            case .i8, .u8, .bool: 1
            }
        }
    }

    /// One tensor of the file.
    public struct Entry: Sendable, Equatable {
        public let name: String
        public let elementType: ElementType
        public let shape: [Int]
        /// Of the first byte, from the file's start. Files of other writers need not be aligned.
        public let offset: Int
        public let byteCount: Int

        /// Number of elements.
        public var count: Int { byteCount / elementType.byteCount }
    }

    /// The format's own limit on the header.
    static let longestHeader = 100_000_000

    private let file: MappedFile
    private let indices: [String: Int]
    private let checksumPlace: Range<Int>?

    /// Maps the file and checks its header against its size.
    ///
    /// - Throws: `UserError` that names the file, the tensor where it is about one, and what is wrong.
    public convenience init(path: String) throws { try self.init(MappedFile(path: path)) }

    package init(_ file: MappedFile) throws {
        path = file.path
        self.file = file
        do {
            let (header, dataStart) = try file.withBytes { bytes in
                let length = try Self.headerLength(bytes)
                let text = UnsafeRawBufferPointer(rebasing: bytes[8..<(8 + length)])
                return (try SafetensorsHeader(text, path: file.path), 8 + length)
            }
            entries = try Self.checked(header.claims, dataStart: dataStart, fileSize: file.count)
            metadata = header.metadata
            checksumPlace = header.checksumPlace.map { ($0.lowerBound + 8)..<($0.upperBound + 8) }
            indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
        } catch let refusal as SafetensorsHeader.Refusal {
            throw UserError("Cannot read \(path) as safetensors: \(refusal.reason).")
        }
    }

    /// The tensor of this name, or nil.
    public subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }

    /// Lends the bytes of one tensor; they are valid within `body` only.
    public func withBytes<R>(of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        precondition(entry.offset >= 0 && entry.byteCount >= 0 && entry.offset + entry.byteCount <= file.count)
        return try file.withBytes { bytes in
            try body(UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<(entry.offset + entry.byteCount)]))
        }
    }

    /// True if the file carries a checksum of our writer.
    public var hasChecksum: Bool { checksumPlace != nil }

    /// Compares the file with the checksum in its metadata (`crc32`: 8 hexadecimal digits over the whole file, these
    /// digits taken as zeros).
    ///
    /// - Throws: `UserError` if there is none, or if the file differs.
    public func verifyChecksum() throws {
        guard let place = checksumPlace, let stored = metadata[SafetensorsHeader.checksumName] else {
            throw UserError("Cannot verify \(path): it carries no checksum, so another program wrote it.")
        }
        guard place.count == 8, stored.utf8.count == 8 else {
            throw UserError("Cannot verify \(path): its checksum \(quoted(stored)) is not 8 hexadecimal digits.")
        }
        let computed = file.withBytes { bytes in
            var checksum = CRC32()
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[..<place.lowerBound]))
            Array("00000000".utf8).withUnsafeBytes { checksum.update($0) }
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[place.upperBound...]))
            return checksum.value
        }
        // Compared as text, so that a damaged digit is never taken for the same digit in another case.
        guard SafetensorsWriter.digits(computed) == stored else {
            throw UserError(
                "\(path) is damaged: its checksum should be \(quoted(stored)) and is "
                    + "'\(SafetensorsWriter.digits(computed))'.")
        }
    }

    private static func headerLength(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        guard bytes.count >= 8 else {
            throw SafetensorsHeader.Refusal(
                reason: "it has \(bytes.count) bytes, fewer than the 8 of the header's length")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(longestHeader) else {
            throw SafetensorsHeader.Refusal(
                reason: "its header would have \(length) bytes, more than the format's limit of \(longestHeader); "
                    + "it is another kind of file, or damaged")
        }
        guard length <= UInt64(bytes.count - 8) else {
            throw SafetensorsHeader.Refusal(
                reason: "its header should have \(length) bytes, but only \(bytes.count - 8) follow; it was cut short")
        }
        return Int(length)
    }

    /// Compares the header's claims with the file: sizes, bounds, gaps, overlaps.
    private static func checked(
        _ claims: [SafetensorsHeader.Claim], dataStart: Int, fileSize: Int
    ) throws -> [Entry] {
        let dataSize = fileSize - dataStart
        for claim in claims {
            let name = quoted(claim.name)
            guard let wanted = byteCount(claim.elementType, claim.shape) else {
                throw SafetensorsHeader.Refusal(reason: "the shape \(claim.shape) of tensor \(name) is too large")
            }
            guard claim.begin <= claim.end else {
                throw SafetensorsHeader.Refusal(
                    reason: "tensor \(name) ends at \(claim.end), before its beginning at \(claim.begin)")
            }
            guard claim.end <= dataSize else {
                throw SafetensorsHeader.Refusal(
                    reason: "tensor \(name) reaches to byte \(claim.end) of the data, which has \(dataSize); "
                        + "the file was cut short")
            }
            guard claim.end - claim.begin == wanted else {
                throw SafetensorsHeader.Refusal(
                    reason: "tensor \(name) has \(claim.end - claim.begin) bytes, but \(claim.elementType.rawValue) "
                        + "of shape \(claim.shape) takes \(wanted)")
            }
        }
        let sorted = claims.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
        var place = 0
        for claim in sorted {
            guard claim.begin >= place else {
                throw SafetensorsHeader.Refusal(
                    reason: "tensor \(quoted(claim.name)) overlaps the one before it (its offset \(claim.begin) is "
                        + "below \(place))")
            }
            guard claim.begin == place else {
                throw SafetensorsHeader.Refusal(
                    reason: "\(claim.begin - place) bytes before tensor \(quoted(claim.name)) belong to no tensor")
            }
            place = claim.end
        }
        guard place == dataSize else {
            throw SafetensorsHeader.Refusal(reason: "\(dataSize - place) bytes at its end belong to no tensor")
        }
        return sorted.map {
            Entry(
                name: $0.name, elementType: $0.elementType, shape: $0.shape, offset: dataStart + $0.begin,
                byteCount: $0.end - $0.begin)
        }
    }

    /// Bytes of a tensor, or nil if the number overflows. Sizes of 0 do not hide an overflow among the others, since
    /// strides are made of those.
    static func byteCount(_ elementType: ElementType, _ shape: [Int]) -> Int? {
        var product = elementType.byteCount
        for size in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            if overflow { return nil }
            product = next
        }
        return shape.contains(0) ? 0 : product
    }
}
