/// The JSON header of a safetensors file, read strictly: just what the format allows, each object's names once, no
/// nesting to follow, no number that does not fit. A general JSON reader would keep one of two equal names in silence.
struct SafetensorsHeader {
    /// One tensor as the header claims it, not yet compared with the file's size.
    struct Claim {
        let name: String
        let elementType: SafetensorsFile.ElementType
        let shape: [Int]
        /// From the first byte after the header.
        let begin: Int
        let end: Int
    }

    private(set) var claims: [Claim] = []
    private(set) var metadata: [String: String] = [:]
    /// Where the checksum's characters stand, counted from the header's first byte.
    private(set) var checksumPlace: Range<Int>?

    static let checksumName = "crc32"

    /// Why a header was refused; the reader adds the file's name.
    struct Refusal: Error {
        let reason: String
    }

    init(_ bytes: UnsafeRawBufferPointer) throws {
        var text = Scanner(bytes: bytes)
        guard text.peek() == UInt8(ascii: "{") else {
            throw Refusal(reason: "its header is not a JSON object, so it is no safetensors file")
        }
        var names: Set<String> = []
        try text.object { name, text in
            guard names.insert(name).inserted else {
                throw Refusal(reason: "its header names \(quoted(name)) twice")
            }
            if name == "__metadata__" {
                try readMetadata(&text)
            } else {
                claims.append(try Self.claim(name, &text))
            }
        }
        guard text.onlySpacesRemain else { throw Refusal(reason: "its header goes on after the JSON object") }
    }

    private mutating func readMetadata(_ text: inout Scanner) throws {
        guard text.peek() == UInt8(ascii: "{") else { throw Refusal(reason: "its metadata are no JSON object") }
        try text.object { name, text in
            guard text.peek() == UInt8(ascii: "\"") else {
                throw Refusal(reason: "the metadata's value of \(quoted(name)) is no string")
            }
            let start = text.position + 1
            let value = try text.string()
            guard metadata.updateValue(value, forKey: name) == nil else {
                throw Refusal(reason: "its metadata name \(quoted(name)) twice")
            }
            if name == Self.checksumName { checksumPlace = start..<(text.position - 1) }
        }
    }

    private static func claim(_ name: String, _ text: inout Scanner) throws -> Claim {
        guard text.peek() == UInt8(ascii: "{") else {
            throw Refusal(reason: "the entry of tensor \(quoted(name)) is no JSON object")
        }
        var elementType: SafetensorsFile.ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try text.object { key, text in
            let isFirst: Bool
            switch key {
            case "dtype":
                guard text.peek() == UInt8(ascii: "\"") else {
                    throw Refusal(reason: "the element type of tensor \(quoted(name)) is no string")
                }
                let type = try text.string()
                isFirst = elementType == nil
                elementType = SafetensorsFile.ElementType(rawValue: type)
                if elementType == nil {
                    let known = SafetensorsFile.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Refusal(
                        reason: "tensor \(quoted(name)) has the unknown element type \(quoted(type)) (known: \(known))")
                }
            case "shape":
                isFirst = shape == nil
                shape = try text.integers("shape of tensor \(quoted(name))")
            case "data_offsets":
                isFirst = offsets == nil
                offsets = try text.integers("offsets of tensor \(quoted(name))")
            default:
                throw Refusal(reason: "the entry of tensor \(quoted(name)) has the unknown key \(quoted(key))")
            }
            if !isFirst { throw Refusal(reason: "the entry of tensor \(quoted(name)) has \(quoted(key)) twice") }
        }
        guard let elementType, let shape, let offsets else {
            throw Refusal(reason: "the entry of tensor \(quoted(name)) lacks its element type, shape or offsets")
        }
        guard offsets.count == 2 else {
            throw Refusal(reason: "tensor \(quoted(name)) has \(offsets.count) offsets instead of 2")
        }
        return Claim(name: name, elementType: elementType, shape: shape, begin: offsets[0], end: offsets[1])
    }
}

/// A name from a file, fit to be printed: cut where it is long, nothing in it that a terminal would obey.
func quoted(_ name: String) -> String {
    "'\(PrintableName.of(String(name.prefix(80))))\(name.count > 80 ? "..." : "")'"
}

/// Reads the few shapes of JSON that a safetensors header is made of; nothing here calls itself, so no nesting can
/// exhaust the stack.
private struct Scanner {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The byte in hand, or nil at the end.
    func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Format: the header may be padded with spaces (0x20) at its end.
    var onlySpacesRemain: Bool { bytes[position...].allSatisfy { $0 == 0x20 } }

    mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    mutating func expect(_ character: Unicode.Scalar) throws {
        skipSpace()
        guard let byte = peek() else { throw refusal("the JSON of its header ends early") }
        guard byte == UInt8(ascii: character) else {
            throw refusal("its header is no JSON: '\(character)' expected at byte \(position)")
        }
        position += 1
    }

    func refusal(_ reason: String) -> SafetensorsHeader.Refusal { .init(reason: reason) }

    /// `{ "name": value, ... }`; `value` reads one value and leaves the position behind it.
    mutating func object(_ value: (String, inout Scanner) throws -> Void) throws {
        try expect("{")
        skipSpace()
        if peek() == UInt8(ascii: "}") {
            position += 1
            return
        }
        while true {
            skipSpace()
            let name = try string()
            try expect(":")
            skipSpace()
            try value(name, &self)
            skipSpace()
            if peek() == UInt8(ascii: ",") {
                position += 1
            } else {
                return try expect("}")
            }
        }
    }

    /// `[1, 2, ...]` of whole numbers that are not negative and fit into 63 bits.
    mutating func integers(_ what: String) throws -> [Int] {
        guard peek() == UInt8(ascii: "[") else { throw refusal("the \(what) is no list") }
        position += 1
        var values: [Int] = []
        skipSpace()
        if peek() == UInt8(ascii: "]") {
            position += 1
            return values
        }
        while true {
            skipSpace()
            values.append(try integer(what))
            guard values.count <= 64 else { throw refusal("the \(what) has more than 64 numbers") }
            skipSpace()
            if peek() == UInt8(ascii: ",") {
                position += 1
            } else {
                try expect("]")
                return values
            }
        }
    }

    private mutating func integer(_ what: String) throws -> Int {
        let start = position
        var value = 0
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = tenfold.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            if overflow || overflows { throw refusal("the \(what) has a number that is too large") }
            value = sum
            position += 1
        }
        let digits = position - start
        guard digits > 0, digits == 1 || bytes[start] != UInt8(ascii: "0") else {
            throw refusal("the \(what) has something that is no whole number from 0 up")
        }
        if let byte = peek(), byte == UInt8(ascii: ".") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
            throw refusal("the \(what) has a number that is not whole")
        }
        return value
    }

    mutating func string() throws -> String {
        try expect("\"")
        var units: [UInt8] = []
        while true {
            guard let byte = peek() else { throw refusal("the JSON of its header ends within a string") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: units, as: UTF8.self) else {
                    throw refusal("its header has a string that is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): units += try escape()
            case ..<0x20: throw refusal("its header has a control character within a string")
            default: units.append(byte)
            }
        }
    }

    private mutating func escape() throws -> [UInt8] {
        guard let byte = peek() else { throw refusal("the JSON of its header ends within a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code & 0xFC00 == 0xD800, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try hexadecimal()
                guard low & 0xFC00 == 0xDC00 else { throw refusal("its header has half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw refusal("its header has half a surrogate pair") }
            return Array(String(Character(scalar)).utf8)
        default: throw refusal("its header has an unknown escape within a string")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard position + 4 <= bytes.count,
            let digits = String(validating: bytes[position..<(position + 4)], as: UTF8.self),
            digits.allSatisfy(\.isHexDigit), let code = UInt32(digits, radix: 16)
        else { throw refusal("its header has a broken escape within a string") }
        position += 4
        return code
    }
}
