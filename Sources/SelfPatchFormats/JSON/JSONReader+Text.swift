import Foundation

extension JSONReader {
    /// Reads a string.
    ///
    /// - Throws: where it does not end, is no UTF-8, or holds a control character or an escape that JSON does not have.
    package mutating func string() throws -> String {
        guard try kind() == .string else { throw try unexpected("a string") }
        let start = offset
        offset += 1
        passPlain()
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") {
            let plain = UnsafeRawBufferPointer(rebasing: bytes[start + 1..<offset])
            if plain.allSatisfy({ $0 < 0x80 }) {
                offset += 1
                return String(decoding: plain, as: UTF8.self)
            }
        }
        offset = start
        var copy: [UInt8] = []
        try string(into: &copy)
        guard let text = String(data: Data(copy), encoding: .utf8) else {
            offset = start
            throw failure("a string is not in UTF-8")
        }
        return text
    }

    /// Reads a string as bytes, its escapes resolved, and puts them in place of what `text` held. They are not looked at
    /// otherwise.
    package mutating func string(into text: inout [UInt8]) throws {
        guard try kind() == .string else { throw try unexpected("a string") }
        offset += 1
        text.removeAll(keepingCapacity: true)
        while true {
            let start = offset
            passPlain()
            text.append(contentsOf: bytes[start..<offset])
            guard try !isAtQuote() else { return }
            offset += 1
            try appendEscaped(to: &text)
        }
    }

    mutating func skipString() throws {
        guard try kind() == .string else { throw try unexpected("a string") }
        offset += 1
        while true {
            passPlain()
            guard try !isAtQuote() else { return }
            offset += 2  // Which escape it is shows where the string is read; a quotation mark may follow.
        }
    }

    /// Goes on to the next quotation mark, backslash or control character.
    private mutating func passPlain() {
        var place = offset
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            place += 1
        }
        offset = place
    }

    /// Takes the closing quotation mark; false at a backslash.
    private mutating func isAtQuote() throws -> Bool {
        guard offset < bytes.count else {
            offset = bytes.count
            throw failure("it ends within a string")
        }
        switch bytes[offset] {
        case UInt8(ascii: "\""):
            offset += 1
            return true
        case UInt8(ascii: "\\"): return false
        default: throw failure("a string holds the control character \(bytes[offset])")
        }
    }

    /// What stands after a backslash.
    private mutating func appendEscaped(to text: inout [UInt8]) throws {
        guard offset < bytes.count else { throw failure("it ends within a string") }
        let letter = bytes[offset]
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try hexadecimal()
            if 0xD800...0xDBFF ~= unit {
                guard take("\\u") else { throw failure("half a pair of \\u escapes stands alone") }
                let low = try hexadecimal()
                guard 0xDC00...0xDFFF ~= low else { throw failure("half a pair of \\u escapes stands alone") }
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = UnicodeScalar(unit) else { throw failure("half a pair of \\u escapes stands alone") }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            offset -= 1
            throw failure("a string holds the escape \\ and \(described(letter)), which JSON does not have")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count, let digit = Character(UnicodeScalar(bytes[offset])).hexDigitValue else {
                throw failure("an escape \\u has not four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }
}
