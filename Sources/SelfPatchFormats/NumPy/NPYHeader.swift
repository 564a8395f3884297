/// What stands before the values of a NumPy `.npy` file: their type, their order and the array's shape.
package struct NPYHeader: Equatable, Sendable {
    package let elementType: SafetensorsFile.ElementType
    /// True if the first index runs fastest.
    package let isColumnMajor: Bool
    package let shape: [Int]
    /// Of the first value, from the file's start.
    package let dataOffset: Int

    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    /// Readers allow as much for numbers of the first size to come.
    private static let growth = 21

    /// Reads the header at a file's start.
    ///
    /// - Parameter path: for messages.
    /// - Throws: `UserError` if it is no such header, or of a type of values that is not known here.
    package init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        func error(_ what: String) -> UserError { UserError("Cannot read \(path) as a NumPy array: \(what).") }
        guard bytes.count >= 10, bytes.prefix(6).elementsEqual(Self.magic) else {
            throw error("it does not begin as one")
        }
        let start: Int
        let length: Int
        switch (bytes[6], bytes[7]) {
        case (1, 0):
            start = 10
            length = Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
        case (2, 0), (3, 0):
            guard bytes.count >= 12 else { throw error("it was cut short") }
            start = 12
            length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        default: throw error("it has the unknown version \(bytes[6]).\(bytes[7])")
        }
        guard length <= 1 << 16 else { throw error("its header would have \(length) bytes") }
        guard length <= bytes.count - start else { throw error("it was cut short within its header") }
        var text = NPYHeaderText(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))
        let fields: (descr: String, isColumnMajor: Bool, shape: [Int])
        do {
            fields = try text.fields()
        } catch {
            throw UserError("Cannot read \(path) as a NumPy array: its header is not what NumPy writes.")
        }
        guard let type = SafetensorsFile.ElementType.allCases.first(where: { Self.code($0) == fields.descr }) else {
            let known = SafetensorsFile.ElementType.allCases.compactMap(Self.code).joined(separator: ", ")
            throw error("its values are of the type \(quoted(fields.descr)) (known: \(known))")
        }
        guard SafetensorsFile.byteCount(type, fields.shape) != nil else {
            throw error("its shape \(fields.shape) is too large")
        }
        elementType = type
        isColumnMajor = fields.isColumnMajor
        shape = fields.shape
        dataOffset = start + length
    }

    /// A header that leaves room for the first size to grow, so that it can be replaced in its place.
    ///
    /// - Parameter elementType: any but bfloat16, which NumPy lacks.
    package static func bytes(elementType: SafetensorsFile.ElementType, shape: [Int]) -> [UInt8] {
        guard let code = code(elementType) else { preconditionFailure("NumPy has no bfloat16") }
        let sizes = shape.map(String.init)
        let tuple = sizes.count == 1 ? "(\(sizes[0]),)" : "(\(sizes.joined(separator: ", ")))"
        var text = Array("{'descr': '\(code)', 'fortran_order': False, 'shape': \(tuple), }".utf8)
        let spare = growth - (sizes.first?.utf8.count ?? growth)
        // Magic, version, length and text with its newline come to a multiple of 64 bytes.
        func padded(_ start: Int) -> Int { (start + text.count + max(spare, 0) + 1 + 63) / 64 * 64 - start }
        let isLong = padded(10) > Int(UInt16.max)
        let start = isLong ? 12 : 10
        let length = padded(start)
        text += [UInt8](repeating: 0x20, count: length - text.count - 1) + [0x0A]
        let version: [UInt8] = isLong ? [2, 0] : [1, 0]
        return magic + version + (0..<(start - 8)).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + text
    }

    /// NumPy's name of a type; nil where it has none.
    static func code(_ type: SafetensorsFile.ElementType) -> String? {
        switch type {
        case .f64: "<f8"
        case .f32: "<f4"
        case .f16: "<f2"
        case .bf16: nil
        case .i64: "<i8"
        case .i32: "<i4"
        case .i16: "<i2"
        case .i8: "|i1"
        case .u8: "|u1"
        case .bool: "|b1"
        }
    }
}

/// Reads the Python dictionary of a header: exactly `descr`, `fortran_order` and `shape`, in any order.
private struct NPYHeaderText {
    struct Broken: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func fields() throws -> (descr: String, isColumnMajor: Bool, shape: [Int]) {
        var descr: String?
        var isColumnMajor: Bool?
        var shape: [Int]?
        try expect("{")
        while !found("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descr == nil: descr = try string()
            case "fortran_order" where isColumnMajor == nil:
                isColumnMajor = foundWord("True")
                if isColumnMajor == false, !foundWord("False") { throw Broken() }
            case "shape" where shape == nil: shape = try tuple()
            default: throw Broken()
            }
            if !found(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard position == bytes.count, let descr, let isColumnMajor, let shape else { throw Broken() }
        return (descr, isColumnMajor, shape)
    }

    private mutating func tuple() throws -> [Int] {
        var sizes: [Int] = []
        try expect("(")
        while !found(")") {
            sizes.append(try size())
            guard sizes.count <= 64 else { throw Broken() }
            if !found(",") {
                // Without a comma one number in brackets is a number, not a tuple.
                guard sizes.count > 1 else { throw Broken() }
                try expect(")")
                break
            }
        }
        return sizes
    }

    private mutating func size() throws -> Int {
        skipSpace()
        let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
        position += digits.count
        guard let size = Int(String(decoding: digits, as: UTF8.self)) else { throw Broken() }
        return size
    }

    private mutating func string() throws -> String {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "'") || bytes[position] == UInt8(ascii: "\"")
        else {
            throw Broken()
        }
        let quote = bytes[position]
        let content = bytes[(position + 1)...].prefix { $0 != quote && $0 != UInt8(ascii: "\\") }
        position += content.count + 2
        guard position <= bytes.count, bytes[position - 1] == quote,
            let text = String(validating: content, as: UTF8.self)
        else { throw Broken() }
        return text
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x0A { position += 1 }
    }

    private mutating func found(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func foundWord(_ word: String) -> Bool {
        skipSpace()
        guard bytes[position...].prefix(word.utf8.count).elementsEqual(word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        guard found(character) else { throw Broken() }
    }
}
