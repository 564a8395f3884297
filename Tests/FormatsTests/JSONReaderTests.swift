import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// The reader that goes through JSON of any size from front to back.
@Suite struct JSONReaderTests {
    private func read<Result>(
        _ bytes: [UInt8], _ body: (inout JSONReader) throws -> Result
    ) throws -> Result {
        let file = bytes.withUnsafeBytes { MappedFile(copying: $0, path: "some.json") }
        return try JSONReader.read(file, body)
    }

    private func read<Result>(_ text: String, _ body: (inout JSONReader) throws -> Result) throws -> Result {
        try read(Array(text.utf8), body)
    }

    /// Reads a value of any kind, so that what `skip` passes over can be held against what is there.
    private func tree(_ json: inout JSONReader) throws -> JSONValue {
        switch try json.kind() {
        case .object:
            var members: [String: JSONValue] = [:]
            try json.object { json, key in members[key] = try tree(&json) }
            return .object(members)
        case .array:
            var elements: [JSONValue] = []
            try json.array { json in elements.append(try tree(&json)) }
            return .array(elements)
        case .string: return .string(try json.string())
        case .number: return .double(try json.number())
        case .boolean: return .bool(try json.boolean())
        case .null:
            try json.null()
            return .null
        }
    }

    @Test func readsWhatStandsThere() throws {
        let text = """
            \u{FEFF} { "a": [1, -2.5e3, 0, true, false, null, []], "b" : {"c\\"d": "x\\u00e9\\ud83d\\ude00\\\\ü", "": {}},
              "a b": "" }\r\n\t
            """
        let value = try read(text) { try tree(&$0) }
        #expect(
            value
                == .object([
                    "a": .array([
                        .double(1), .double(-2500), .double(0), .bool(true), .bool(false), .null, .array([]),
                    ]),
                    "b": .object(["c\"d": .string("xé😀\\ü"), "": .object([:])]), "a b": .string(""),
                ]))
        #expect(throws: Never.self) { try read(text) { try $0.skip() } }
    }

    @Test func numbersAreRoundedAsByEverybody() throws {
        var texts = [
            "0", "-0", "1", "0.1", "123456789012345678", "0.30000000000000004", "1e22", "1e23", "4.9e-324", "2e-324",
            "1.7976931348623157e308", "9007199254740993", "0.000000000000000000000001", "123456789.123456789",
            "100000000000000000000000", "1e-30", "1E+5", "8.41e21", "72057594037927945",
        ]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            texts.append("\(Double.random(in: -1000...1000, using: &random))")
            texts.append(String(format: "%.2f", Double.random(in: 0...640, using: &random)))
            texts.append("\(Double(bitPattern: UInt64.random(in: 0..<0x7FF0_0000_0000_0000, using: &random)))")
        }
        for text in texts {
            let value = try read(text) { try $0.number() }
            #expect(value.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
        #expect(try read("1e999") { try $0.number() } == .infinity)
        #expect(try read("-Infinity") { try $0.number() } == -.infinity)
        #expect(try read("NaN") { try $0.number() }.isNaN)
        #expect(try read(" 9223372036854775807 ") { try $0.integer() } == .max)
        #expect(try read("-9223372036854775808") { try $0.integer() } == .min)
        #expect(try read("-4.0") { try $0.integer() } == -4)
    }

    @Test(
        arguments: [
            ("", "ends within"), ("{", "ends within"), ("{\"a\"", "ends within"), ("{\"a\":", "ends within"),
            ("{\"a\":1", "ends within"), ("[1,", "ends within"), ("\"abc", "ends within a string"),
            ("\"abc\\", "ends within a string"), ("[1 2]", "',' or ']' is expected, not '2'"),
            ("{\"a\" 1}", "':' after"), ("{a:1}", "quotation marks"), ("[1,]", "no value begins with ']'"),
            ("{\"a\":1,}", "quotation marks"), ("[1]]", "more follows"), ("01", "number"), ("1.", "point"),
            ("1e", "exponent"), ("-", "number"), ("+1", "no value begins"), (".5", "no value begins"),
            ("tru", "true nor false"), ("nul", "not null"), ("Nope", "number"), ("\"\u{1}\"", "control character"),
            ("\u{0}", "no value begins with the byte 0"),
        ])
    func damagedTextIsRefusedWithItsPlace(text: String, words: String) {
        for takesAll in [true, false] {
            let error = #expect(throws: UserError.self, "\(text)") {
                try read(text) { json in if takesAll { _ = try tree(&json) } else { try json.skip() } }
            }
            let message = error?.message ?? ""
            #expect(message.hasPrefix("Cannot read some.json: at byte "), "\(message)")
            #expect(message.contains(words), "\(text): \(message)")
        }
    }

    @Test func damagedStringsAreRefusedWhereTheyAreRead() {
        for text in ["\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\""] {
            #expect(throws: UserError.self, "\(text)") { try read(text) { try $0.string() } }
        }
        #expect(throws: UserError.self) { try read([0x22, 0xC3, 0x28, 0x22]) { try $0.string() } }
        #expect(throws: UserError.self) { try read([0x22, 0xFF, 0x22]) { try $0.string() } }
    }

    @Test func everyTruncationIsRefused() {
        let text = Array("{\"a\": [1.5, {\"b\": \"x\\u00e9\"}, true], \"c\": null}".utf8)
        for length in 0..<text.count {
            #expect(throws: UserError.self, "\(length) bytes") {
                try read(Array(text[..<length])) { try $0.skip() }
            }
            #expect(throws: UserError.self, "\(length) bytes") {
                try read(Array(text[..<length])) { try tree(&$0) }
            }
        }
    }

    @Test func changedBytesEndInAValueOrAnError() {
        let text = Array("{\"a\": [1.5, {\"b\": \"x\\u00e9\"}, true], \"c\": null, \"d\": -2e-3}".utf8)
        var random = KeyedBytes(state: 7)
        for _ in 0..<20_000 {
            var changed = text
            for _ in 0...random.below(3) { changed[random.below(changed.count)] = UInt8(random.below(256)) }
            // What can be read can be skipped; the other way round strings are not looked into.
            let isRead = (try? read(changed) { _ = try tree(&$0) }) != nil
            let isSkipped = (try? read(changed) { try $0.skip() }) != nil
            #expect(!isRead || isSkipped, "\(String(decoding: changed, as: UTF8.self))")
        }
    }

    @Test func depthIsLimited() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try read(nested(512)) { try $0.skip() } }
        let error = #expect(throws: UserError.self) { try read(nested(100_000)) { try $0.skip() } }
        #expect(error?.message.contains("512 deep") == true)
    }

    @Test func anotherKindThanWantedIsNamed() {
        let error = #expect(throws: UserError.self) { try read("[\"7\"]") { try $0.array { _ = try $0.integer() } } }
        #expect(error?.message == "Cannot read some.json: at byte 1 a number is expected, not '\"'.")
        #expect(throws: UserError.self) { try read("7.5") { try $0.integer() } }
        #expect(throws: UserError.self) { try read("1e300") { try $0.integer() } }
        #expect(throws: UserError.self) { try read("99999999999999999999") { try $0.integer() } }
        #expect(throws: UserError.self) { try read("1") { try $0.boolean() } }
        #expect(throws: UserError.self) { try read("{}") { try $0.array { try $0.skip() } } }
        #expect(throws: UserError.self) { try read("[]") { try $0.object { json, _ in try json.skip() } } }
    }

    @Test func aCopyIsABookmark() throws {
        let second = try read("[[1, 2], 3]") { json in
            var values: [Int] = []
            try json.array { json in
                let start = json
                if let value = try? json.integer() {
                    values.append(value)
                } else {
                    json = start
                    try json.skip()
                }
            }
            return values
        }
        #expect(second == [3])
    }
}

/// Bytes that are the same in every run.
private struct KeyedBytes {
    var state: UInt64

    mutating func below(_ count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % count
    }
}
