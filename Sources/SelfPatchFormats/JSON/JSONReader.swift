/// Reads a JSON document of any size from front to back, value after value, and keeps nothing of it.
///
///     try JSONReader.read(MappedFile(path: path)) { json in
///         try json.object { json, key in
///             switch key {
///             case "images": try json.array { json in images.append(try Image(&json)) }
///             default: try json.skip()
///             }
///         }
///     }
///
/// Whoever reads says what a value is to be; another kind of value is an error that names file and place. A copy of a reader is
/// a bookmark: assigning it goes back there. Beyond RFC 8259 `NaN`, `Infinity` and `-Infinity` are numbers, for Python writes
/// them; callers refuse them with better words.
package struct JSONReader {
    /// What begins at a place.
    package enum Kind: Sendable {
        case object, array, string, number, boolean, null
    }

    let bytes: UnsafeRawBufferPointer
    /// The place of the next byte.
    package internal(set) var offset = 0
    /// What the document is called in messages.
    let name: String

    private init(_ bytes: UnsafeRawBufferPointer, name: String) {
        self.bytes = bytes
        self.name = name
    }

    /// Reads a whole file: one value, which `body` takes, and nothing after it. The reader must not leave `body`.
    ///
    /// - Throws: `UserError` with the file's name and the place where it is no JSON, or not what was asked for.
    package static func read<Result>(
        _ file: MappedFile, _ body: (inout JSONReader) throws -> Result
    ) throws -> Result {
        try file.withBytes { try read($0, name: file.path, body) }
    }

    /// The same with bytes that stay where they are meanwhile.
    package static func read<Result>(
        _ bytes: UnsafeRawBufferPointer, name: String, _ body: (inout JSONReader) throws -> Result
    ) throws -> Result {
        var reader = JSONReader(bytes, name: name)
        // The byte order mark that some editors put before UTF-8.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { reader.offset = 3 }
        let result = try body(&reader)
        reader.skipSpace()
        guard reader.offset == bytes.count else { throw reader.failure("more follows after its end") }
        return result
    }

    // MARK: Containers

    /// Reads an object; `member` reads, or skips, the value of each key. A key may occur more than once.
    package mutating func object(_ member: (inout JSONReader, String) throws -> Void) throws {
        guard try kind() == .object else { throw try unexpected("an object") }
        offset += 1
        if try isAtEnd(UInt8(ascii: "}")) { return }
        repeat {
            try requireKey()
            let key = try string()
            try expect(UInt8(ascii: ":"), "':' after the key \(PrintableName.of(String(key.prefix(40))))")
            try one { try member(&$0, key) }
        } while try hasMore(UInt8(ascii: "}"))
    }

    /// Reads an array; `element` reads, or skips, each value.
    package mutating func array(_ element: (inout JSONReader) throws -> Void) throws {
        guard try kind() == .array else { throw try unexpected("a list") }
        offset += 1
        if try isAtEnd(UInt8(ascii: "]")) { return }
        repeat { try one(element) } while try hasMore(UInt8(ascii: "]"))
    }

    /// Holds callers to taking a value where there is one.
    private mutating func one(_ body: (inout JSONReader) throws -> Void) throws {
        let before = offset
        try body(&self)
        precondition(offset > before, "a value at byte \(before) that was neither read nor skipped")
    }

    private mutating func isAtEnd(_ bracket: UInt8) throws -> Bool {
        guard try next() == bracket else { return false }
        offset += 1
        return true
    }

    private mutating func hasMore(_ bracket: UInt8) throws -> Bool {
        let byte = try next()
        guard byte == UInt8(ascii: ",") || byte == bracket else {
            throw try unexpected("',' or '\(Character(UnicodeScalar(bracket)))'")
        }
        offset += 1
        return byte != bracket
    }

    private mutating func expect(_ byte: UInt8, _ words: String) throws {
        guard try next() == byte else { throw try unexpected(words) }
        offset += 1
    }

    // MARK: Values

    /// What begins here, after white space.
    package mutating func kind() throws -> Kind {
        switch try next() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "N"), UInt8(ascii: "I"):
            return .number
        default: throw failure("no value begins with \(described(bytes[offset]))")
        }
    }

    package mutating func boolean() throws -> Bool {
        guard try kind() == .boolean else { throw try unexpected("true or false") }
        if take("true") { return true }
        if take("false") { return false }
        throw failure("a word is neither true nor false")
    }

    package mutating func null() throws {
        guard try kind() == .null else { throw try unexpected("null") }
        guard take("null") else { throw failure("a word is not null") }
    }

    /// Passes over a value of any kind.
    ///
    /// - Throws: where it is no JSON, or is more than 512 lists and objects deep.
    package mutating func skip() throws {
        // Whether each open container is an object.
        var open: [Bool] = []
        repeat {
            switch try kind() {
            case .string: try skipString()
            case .number: _ = try number()
            case .boolean: _ = try boolean()
            case .null: try null()
            case .object, .array:
                let isObject = bytes[offset] == UInt8(ascii: "{")
                guard open.count < 512 else { throw failure("lists and objects lie more than 512 deep in each other") }
                offset += 1
                if try !isAtEnd(UInt8(ascii: isObject ? "}" : "]")) {
                    open.append(isObject)
                    if isObject { try skipKey() }
                    continue
                }
            }
            while let isObject = open.last {
                if try hasMore(UInt8(ascii: isObject ? "}" : "]")) {
                    if isObject { try skipKey() }
                    break
                }
                open.removeLast()
            }
        } while !open.isEmpty
    }

    private mutating func skipKey() throws {
        try requireKey()
        try skipString()
        try expect(UInt8(ascii: ":"), "':' after a key")
    }

    private mutating func requireKey() throws {
        guard try next() == UInt8(ascii: "\"") else { throw try unexpected("a key in quotation marks") }
    }

    // MARK: Bytes

    mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    /// The next byte that is no white space, not yet taken.
    mutating func next() throws -> UInt8 {
        skipSpace()
        guard offset < bytes.count else { throw failure("it ends within a value") }
        return bytes[offset]
    }

    mutating func take(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard bytes.count - offset >= length, bytes[offset..<offset + length].elementsEqual(word.bytes) else {
            return false
        }
        offset += length
        return true
    }

    // MARK: Errors

    /// An error that names the file and this place.
    package func failure(_ words: String) -> UserError {
        UserError("\(opening)at byte \(offset) \(words).")
    }

    private var opening: String { "Cannot read \(PrintableName.of(name)): " }

    /// What an error of this reader says, for lists of problems: without the file's name and the full stop.
    package func sentence(of error: UserError) -> String {
        var words = Substring(error.message)
        if words.hasPrefix(opening) { words = words.dropFirst(opening.count) }
        return String(words.hasSuffix(".") ? words.dropLast() : words)
    }

    /// Throws of its own where nothing is there at all.
    mutating func unexpected(_ wanted: String) throws -> UserError {
        let found = try next()
        return failure("\(wanted) is expected, not \(described(found))")
    }

    func described(_ byte: UInt8) -> String {
        0x21...0x7E ~= byte ? "'\(Character(UnicodeScalar(byte)))'" : "the byte \(byte)"
    }
}

extension StaticString {
    fileprivate var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
