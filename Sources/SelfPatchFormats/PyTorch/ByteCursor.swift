/// Walks through bytes that nobody vouches for: each step is checked against the end, and numbers are little-endian.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    /// What is being read, for messages: "its pickle".
    private let name: String

    /// - Parameter position: at most the number of bytes.
    init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0, name: String) {
        precondition(position >= 0 && position <= bytes.count)
        self.bytes = bytes
        self.position = position
        self.name = name
    }

    var remaining: Int { bytes.count - position }

    mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else {
            throw FileRefusal(
                .truncated,
                "\(name) ends too early: at byte \(position) it needs \(count) more, and \(remaining) are left")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    /// The bytes before the next newline, which is passed over.
    mutating func line(atMost limit: Int) throws -> UnsafeRawBufferPointer {
        let window = bytes[position..<(position + min(limit + 1, remaining))]
        guard let end = window.firstIndex(of: 0x0A) else {
            throw FileRefusal(
                remaining > limit ? .tooLarge : .truncated,
                "\(name) has a line without an end at byte \(position)")
        }
        let line = try take(end - position)
        _ = try take(1)
        return line
    }
}

/// `a * b`, or nil where it does not fit.
func product(_ a: Int, _ b: Int) -> Int? {
    let (value, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? nil : value
}

/// `a + b`, or nil where it does not fit.
func sum(_ a: Int, _ b: Int) -> Int? {
    let (value, overflow) = a.addingReportingOverflow(b)
    return overflow ? nil : value
}
