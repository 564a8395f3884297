import Foundation

extension JSONReader {
    /// Reads a number, rounded to the nearest as everywhere; infinite where it is too large, or written so.
    package mutating func number() throws -> Double {
        guard try kind() == .number else { throw try unexpected("a number") }
        let start = offset
        let isNegative = bytes[offset] == UInt8(ascii: "-")
        if isNegative { offset += 1 }
        if take("Infinity") { return isNegative ? -.infinity : .infinity }
        if !isNegative, take("NaN") { return .nan }

        let firstDigit = offset
        var (mantissa, exponent, significant) = (UInt64(0), 0, 0)
        let whole = takeDigits(&mantissa, &significant)
        guard whole > 0, whole == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            offset = start
            throw failure("a number is not as JSON writes them")
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            let digits = takeDigits(&mantissa, &significant)
            guard digits > 0 else { throw failure("a number has no digit after its point") }
            exponent = -digits
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            var sign = 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") || bytes[offset] == UInt8(ascii: "+") {
                sign = bytes[offset] == UInt8(ascii: "-") ? -1 : 1
                offset += 1
            }
            var (power, ignored) = (UInt64(0), 0)
            guard takeDigits(&power, &ignored) > 0 else { throw failure("a number has no digit in its exponent") }
            exponent += sign * Int(min(power, 100_000))
        }
        // Digits and power of ten are both exact: one rounding, as it should be (Clinger 1990).
        if significant <= 15, -22...22 ~= exponent {
            let value = Double(mantissa)
            let scaled = exponent < 0 ? value / Self.powersOfTen[-exponent] : value * Self.powersOfTen[exponent]
            return isNegative ? -scaled : scaled
        }
        return Double(String(decoding: bytes[start..<offset], as: UTF8.self)) ?? .nan
    }

    /// Reads a whole number, also one that is written 4.0.
    package mutating func integer() throws -> Int {
        let start = (try next(), offset).1
        let value = try number()
        if let small = Int(exactly: value), small.magnitude < 1 << 53 { return small }
        let text = String(decoding: bytes[start..<offset].prefix(40), as: UTF8.self)
        if let large = Int(text) { return large }
        offset = start
        throw failure("a whole number is expected, not \(text)")
    }

    /// Reads a whole number from 0 up that is written in digits alone.
    package mutating func count() throws -> Int {
        let start = (try next(), offset).1
        let value = try integer()
        guard bytes[start..<offset].allSatisfy({ 0x30...0x39 ~= $0 }) else {
            offset = start
            throw failure("a whole number from 0 up is expected, in digits alone")
        }
        return value
    }

    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]

    /// Takes digits into a number that stays right while it has at most 19 of them, leading zeros aside.
    ///
    /// - Returns: how many there were.
    private mutating func takeDigits(_ value: inout UInt64, _ significant: inout Int) -> Int {
        let start = offset
        while offset < bytes.count {
            let digit = bytes[offset] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            if significant > 0 || digit > 0 { significant += 1 }
            value = value &* 10 &+ UInt64(digit)
            offset += 1
        }
        return offset - start
    }
}
