import Foundation

/// One block of 512 bytes that stands before each member of a tar file (POSIX's ustar, with GNU's large sizes).
struct TarHeader {
    static let byteCount = 512

    /// What a member is.
    enum Kind: Equatable {
        case file
        /// POSIX's records for the member that follows.
        case records
        /// GNU's name for the member that follows.
        case longName
        /// A folder, a link, a device, or something that only other programs know.
        case other
    }

    var kind: Kind
    var name: String
    /// Bytes of content; what follows begins at the next multiple of 512.
    var size: Int

    /// Where the header after a member begins, for one whose content begins at `offset`; nil where no file can be so long.
    static func end(ofContentAt offset: Int, size: Int) -> Int? {
        let (end, overflows) = offset.addingReportingOverflow(size)
        return overflows || end > Int.max - 511 ? nil : (end + 511) / 512 * 512
    }

    // MARK: Reading

    /// True for the blocks of zeros that end an archive.
    static func isEnd(_ block: UnsafeRawBufferPointer) -> Bool { block.allSatisfy { $0 == 0 } }

    /// - Returns: nil where the block is no header: its checksum is not that of its bytes, or its size is no number.
    init?(_ block: UnsafeRawBufferPointer) {
        precondition(block.count == Self.byteCount, "a block of \(block.count) bytes")
        guard let wanted = Self.octal(block[148..<156]), wanted == Self.checksum(of: block),
            let size = Self.number(block[124..<136])
        else { return nil }
        self.size = size
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = .file
        case UInt8(ascii: "x"): kind = .records
        case UInt8(ascii: "L"): kind = .longName
        default: kind = .other
        }
        name = Self.text(block[0..<100])
        let isPOSIX = block[257..<263].elementsEqual("ustar\0".utf8)
        let prefix = isPOSIX ? Self.text(block[345..<500]) : ""
        if !prefix.isEmpty { name = prefix + "/" + name }
    }

    /// The sum of a header's bytes, its own checksum counted as spaces.
    private static func checksum(of block: UnsafeRawBufferPointer) -> Int {
        var sum = 0
        for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
        return sum
    }

    private static func text(_ field: Slice<UnsafeRawBufferPointer>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Octal digits, or GNU's binary number behind a first byte of 128.
    private static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard field.first == 0x80 else { return octal(field) }
        var value = 0
        for byte in field.dropFirst() {
            guard value < 1 << 54 else { return nil }
            value = value << 8 | Int(byte)
        }
        return value
    }

    private static func octal(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
        guard digits.allSatisfy({ (48..<56).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
    }

    /// Whether this is the header of a member that a listing has. POSIX's records may stand for a size that is not here.
    func fits(_ member: TarListing.Member) -> Bool { kind == .file && (size == member.size || size == 0) }

    // MARK: Writing

    init(kind: Kind, name: String, size: Int) {
        self.kind = kind
        self.name = name
        self.size = size
    }

    /// The blocks to write before a file's content: a header, with POSIX's records before it where the name needs them. Owner
    /// and time are zeros, so that the same files make the same archive.
    static func blocks(forFile name: String, size: Int) -> [UInt8] {
        let plain = TarHeader(kind: .file, name: name, size: size)
        if name.utf8.count <= 100 { return plain.block }
        let record = Self.record("path", name)
        let padding = [UInt8](repeating: 0, count: (512 - record.count % 512) % 512)
        return TarHeader(kind: .records, name: "name", size: record.count).block + record + padding + plain.block
    }

    /// The blocks that end an archive.
    static let end = [UInt8](repeating: 0, count: 2 * byteCount)

    private var block: [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.byteCount)
        func put(_ text: some Sequence<UInt8>, at place: Int) {
            for (index, byte) in text.enumerated() { block[place + index] = byte }
        }
        func digits(_ number: Int, _ count: Int) -> [UInt8] {
            let text = String(number, radix: 8)
            precondition(text.count <= count, "\(number) has more than \(count) octal digits")
            return Array((String(repeating: "0", count: count - text.count) + text).utf8)
        }
        put(name.utf8.prefix(100), at: 0)
        put(digits(0o644, 7), at: 100)
        put(digits(0, 7), at: 108)
        put(digits(0, 7), at: 116)
        put(digits(size, 11), at: 124)
        put(digits(0, 11), at: 136)
        block[156] = UInt8(ascii: kind == .records ? "x" : "0")
        put("ustar\u{0}00".utf8, at: 257)
        let sum = block.withUnsafeBytes { Self.checksum(of: $0) }
        put(digits(sum, 6) + [0, 32], at: 148)
        return block
    }

    /// A record "length key=value\n", the length counting itself.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count
        while String(length).utf8.count + rest.utf8.count != length {
            length = String(length).utf8.count + rest.utf8.count
        }
        return Array("\(length)\(rest)".utf8)
    }

    /// The path and the size that POSIX's records give to the member after them.
    static func records(_ bytes: [UInt8]) -> (path: String?, size: Int?) {
        var path: String?
        var size: Int?
        var rest = bytes[...]
        while let space = rest.firstIndex(of: 32),
            let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
            length > space - rest.startIndex + 1, length <= rest.count
        {
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            if let equals = record.firstIndex(of: UInt8(ascii: "=")) {
                let value = String(decoding: record[(equals + 1)...], as: UTF8.self)
                switch String(decoding: record[..<equals], as: UTF8.self) {
                case "path": path = value
                case "size": size = Int(value)
                default: break
                }
            }
            rest = rest.dropFirst(length)
        }
        return (path, size)
    }
}
