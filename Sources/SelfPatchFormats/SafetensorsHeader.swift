/// The JSON header of a safetensors file, read strictly: just what the format allows, each object's names once, no
/// nesting to follow, no number that does not fit.
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

    /// - Parameter path: for messages.
    /// - Throws: `Refusal`, or a `UserError` where it is no JSON.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        guard bytes.first == UInt8(ascii: "{") else {
            throw Refusal(reason: "its header is not a JSON object, so it is no safetensors file")
        }
        try JSONReader.read(bytes, name: "\(path), header") { json in
            var names: Set<String> = []
            try json.object { json, name in
                guard names.insert(name).inserted else {
                    throw Refusal(reason: "its header names \(quoted(name)) twice")
                }
                if name == "__metadata__" {
                    try readMetadata(&json)
                } else {
                    claims.append(try Self.claim(name, &json))
                }
            }
        }
        // Format: it may be filled up with spaces at its end, and with nothing else.
        guard bytes.last(where: { $0 != 0x20 }) == UInt8(ascii: "}") else {
            throw Refusal(reason: "its header goes on after the JSON object")
        }
    }

    private mutating func readMetadata(_ json: inout JSONReader) throws {
        guard try json.kind() == .object else { throw Refusal(reason: "its metadata are no JSON object") }
        try json.object { json, name in
            guard try json.kind() == .string else {
                throw Refusal(reason: "the metadata's value of \(quoted(name)) is no string")
            }
            let start = json.offset + 1
            let value = try json.string()
            guard metadata.updateValue(value, forKey: name) == nil else {
                throw Refusal(reason: "its metadata name \(quoted(name)) twice")
            }
            if name == Self.checksumName { checksumPlace = start..<(json.offset - 1) }
        }
    }

    private static func claim(_ name: String, _ json: inout JSONReader) throws -> Claim {
        guard try json.kind() == .object else {
            throw Refusal(reason: "the entry of tensor \(quoted(name)) is no JSON object")
        }
        var elementType: SafetensorsFile.ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try json.object { json, key in
            let isFirst: Bool
            switch key {
            case "dtype":
                guard try json.kind() == .string else {
                    throw Refusal(reason: "the element type of tensor \(quoted(name)) is no string")
                }
                let type = try json.string()
                isFirst = elementType == nil
                elementType = SafetensorsFile.ElementType(rawValue: type)
                if elementType == nil {
                    let known = SafetensorsFile.ElementType.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Refusal(
                        reason: "tensor \(quoted(name)) has the unknown element type \(quoted(type)) (known: \(known))")
                }
            case "shape":
                isFirst = shape == nil
                shape = try counts(&json, "shape of tensor \(quoted(name))")
            case "data_offsets":
                isFirst = offsets == nil
                offsets = try counts(&json, "offsets of tensor \(quoted(name))")
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

    private static func counts(_ json: inout JSONReader, _ what: String) throws -> [Int] {
        guard try json.kind() == .array else { throw Refusal(reason: "the \(what) is no list") }
        var counts: [Int] = []
        try json.array { json in
            guard counts.count < 64 else { throw Refusal(reason: "the \(what) has more than 64 numbers") }
            counts.append(try json.count())
        }
        return counts
    }
}

/// A name from a file, fit to be printed: cut where it is long, nothing in it that a terminal would obey.
func quoted(_ name: String) -> String {
    "'\(PrintableName.of(String(name.prefix(80))))\(name.count > 80 ? "..." : "")'"
}
