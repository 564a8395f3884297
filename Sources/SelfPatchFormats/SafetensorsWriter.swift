import Foundation

/// Writes safetensors files: streaming, whole or not at all, with a checksum.
///
/// The data begin at a multiple of 64 bytes. The format allows no gaps, so tensors whose sizes are multiples of 64 come
/// first, then those of 32, and so on, otherwise in the given order: then nearly all tensors start at multiples of 64
/// and every one at a multiple of its element's size.
public enum SafetensorsWriter {
    /// A tensor to be written.
    public struct Item {
        let name: String
        let elementType: SafetensorsFile.ElementType
        let shape: [Int]
        let withBytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

        /// - Parameter withBytes: lends the tensor's bytes (row-major, little-endian) to its argument, in one piece or in
        ///   several pieces in order. It is called once, while the file is written.
        public init(
            name: String, elementType: SafetensorsFile.ElementType, shape: [Int],
            withBytes: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
        ) {
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.withBytes = withBytes
        }
    }

    /// Writes the items to `path`, whole or not at all, and adds the checksum `crc32` to the metadata.
    ///
    /// The same items and metadata give the same bytes.
    ///
    /// - Throws: `UserError` that names the file and the reason; what `withBytes` of an item throws. The old file, if
    ///   there was one, is intact then.
    public static func write(_ items: [Item], metadata: [String: String], to path: String) throws {
        let sized = items.map { item in
            guard let byteCount = SafetensorsFile.byteCount(item.elementType, item.shape) else {
                preconditionFailure("the shape \(item.shape) of '\(item.name)' overflows")
            }
            return (item: item, byteCount: byteCount)
        }
        let sorted = sized.enumerated().sorted { a, b in
            let left = alignment(a.element.byteCount)
            let right = alignment(b.element.byteCount)
            return left == right ? a.offset < b.offset : left > right
        }.map(\.element)
        let (header, checksumOffset) = header(of: sorted, metadata: metadata)

        try AtomicFile.write(to: path) { output in
            var checksum = CRC32()
            func append(_ bytes: UnsafeRawBufferPointer) throws {
                checksum.update(bytes)
                try output.append(bytes)
            }
            try header.withUnsafeBytes(append)
            for (item, byteCount) in sorted {
                let start = output.count
                try item.withBytes(append)
                precondition(
                    output.count - start == byteCount,
                    "'\(item.name)' gave \(output.count - start) bytes, its shape \(item.shape) takes \(byteCount)")
            }
            try output.replace(at: checksumOffset, with: Array(digits(checksum.value).utf8))
        }
    }

    /// The largest power of two up to 64 that divides the number; 0 counts as 64.
    private static func alignment(_ byteCount: Int) -> Int { 1 << min(byteCount.trailingZeroBitCount, 6) }

    /// The file's first bytes, up to the data, with zeros for the checksum, and where in the file these zeros are.
    private static func header(
        of items: [(item: Item, byteCount: Int)], metadata: [String: String]
    ) -> (bytes: [UInt8], checksumOffset: Int) {
        precondition(
            metadata[SafetensorsHeader.checksumName] == nil, "the metadata's checksum is the writer's own to fill in")
        precondition(
            Set(items.map(\.item.name)).count == items.count && !items.contains { $0.item.name == "__metadata__" },
            "tensors need names of their own")
        // The checksum comes first, at a place that nothing else can move.
        var json = #"{"__metadata__":{"crc32":""#
        let checksumOffset = 8 + json.utf8.count
        json += #"00000000""#
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { json += ",\(quote(name)):\(quote(value))" }
        json += "}"
        var place = 0
        for (item, byteCount) in items {
            let shape = item.shape.map(String.init).joined(separator: ",")
            json += ",\(quote(item.name)):{\"dtype\":\"\(item.elementType.rawValue)\",\"shape\":[\(shape)],"
            json += "\"data_offsets\":[\(place),\(place + byteCount)]}"
            place += byteCount
        }
        json += "}"
        let length = (8 + json.utf8.count + 63) / 64 * 64 - 8
        var bytes = withUnsafeBytes(of: UInt64(length).littleEndian) { Array($0) }
        bytes += json.utf8
        bytes += [UInt8](repeating: 0x20, count: 8 + length - bytes.count)
        return (bytes, checksumOffset)
    }

    /// 8 hexadecimal digits.
    static func digits(_ checksum: UInt32) -> String {
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case ..<" ":
                let code = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
