import Foundation
import SelfPatchFormats
import Testing

/// The pickle machine by itself, opcode by opcode. Pickles are written here as text: hexadecimal bytes, and 'letters'.
@Suite struct PickleReaderTests {
    static func bytes(_ text: String) -> [UInt8] {
        text.split(separator: " ").flatMap { word -> [UInt8] in
            if word.hasPrefix("'") { return Array(word.dropFirst().dropLast().utf8) }
            // As in "04*200": many times.
            let parts = word.split(separator: "*")
            let digits = Array(parts[0])
            let bytes = stride(from: 0, to: digits.count, by: 2).map {
                UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0
            }
            return Array(repeatElement(bytes, count: parts.count > 1 ? Int(parts[1]) ?? 1 : 1).joined())
        }
    }

    func read(_ text: String, _ storages: PickleReader.StorageReference = .five) throws -> PickleReader.Content {
        try Self.bytes(text).withUnsafeBytes { try PickleReader.read($0, storages: storages) }
    }

    @Test(
        arguments: [
            ("80 02 'N.'", .none),
            ("80 02 88 '.'", .bool(true)),
            ("80 02 89 '.'", .bool(false)),
            ("80 02 'K' FF '.'", .int(255)),
            ("80 02 'M' 01 02 '.'", .int(513)),
            ("80 02 'J' FE FF FF FF '.'", .int(-2)),
            ("80 02 8A 00 '.'", .int(0)),
            ("80 02 8A 01 FF '.'", .int(-1)),
            ("80 02 8A 02 FF 00 '.'", .int(255)),
            ("80 02 8A 08 00*7 80 '.'", .int(.min)),
            ("80 02 8A 09 FF*7 7F 00 '.'", .int(.max)),
            ("80 02 8A 09 00*7 80 00 '.'", .largeInt([0, 0, 0, 0, 0, 0, 0, 0x80, 0])),
            ("80 02 8A 09 FF*7 7F FF '.'", .largeInt([255, 255, 255, 255, 255, 255, 255, 0x7F, 255])),
            ("80 02 8B 02 00 00 00 01 01 '.'", .int(257)),
            ("80 02 'G' 3F F8 00*6 '.'", .double(1.5)),
            ("80 02 'X' 02 00 00 00 'ab.'", .string("ab")),
            ("80 04 8C 02 C3 BC '.'", .string("ü")),
            ("80 04 8D 01 00*7 'a.'", .string("a")),
            ("80 02 'U' 01 'a.'", .string("a")),
            ("80 02 'U' 01 FF '.'", .bytes([255])),
            ("80 02 'T' 01 00 00 00 'a.'", .string("a")),
            ("80 03 'C' 02 01 02 '.'", .bytes([1, 2])),
            ("80 03 'B' 01 00 00 00 09 '.'", .bytes([9])),
            ("80 05 96 01 00*7 09 '.'", .bytes([9])),
            ("80 02 ').'", .tuple([])),
            ("80 02 'N' 85 '.'", .tuple([.none])),
            ("80 02 'K' 01 'K' 02 86 '.'", .tuple([.int(1), .int(2)])),
            ("80 02 'K' 01 'K' 02 'K' 03 87 '.'", .tuple([.int(1), .int(2), .int(3)])),
            ("80 02 '(K' 01 'K' 02 't.'", .tuple([.int(1), .int(2)])),
            ("80 02 ']K' 01 'a(K' 02 'K' 03 'e.'", .list([.int(1), .int(2), .int(3)])),
            ("80 04 8F '(K' 01 90 '.'", .set([.int(1)])),
            ("80 04 '(K' 01 91 '.'", .set([.int(1)])),
            ("80 02 '}K' 01 'Ns.'", .dictionary([.init(.int(1), .none)])),
            ("80 02 '}(K' 01 'NK' 02 88 'u.'", .dictionary([.init(.int(1), .none), .init(.int(2), .bool(true))])),
            // A value used twice, through the memo and by DUP.
            ("80 02 ']q' 05 'Nah' 05 86 '.'", .tuple([.list([.none]), .list([.none])])),
            ("80 04 'K' 07 94 'j' 00*4 86 '.'", .tuple([.int(7), .int(7)])),
            ("80 02 'K' 07 '2' 86 '.'", .tuple([.int(7), .int(7)])),
            ("80 02 'K' 07 'N0.'", .int(7)),
            ("80 02 'K' 07 '(NN1.'", .int(7)),
            ("80 04 95 03 00*7 'K' 07 '.'", .int(7)),
            ("80 02 'ccollections' 0A 'OrderedDict' 0A ')R}X' 09 00 00 00 '_metadataNsb.'", .dictionary([])),
            (
                "80 02 'ccollections' 0A 'OrderedDict' 0A ']](K' 01 'K' 02 'ea' 85 'R.'",
                .dictionary([.init(.int(1), .int(2))])
            ),
            ("80 02 'c__builtin__' 0A 'set' 0A ']K' 01 'a' 85 'R.'", .set([.int(1)])),
            ("80 02 'ctorch' 0A 'Size' 0A 'K' 02 85 85 'R.'", .tuple([.int(2)])),
            ("80 02 'ctorch' 0A 'float32' 0A '.'", .object(.init(className: "torch.float32"))),
            (
                "80 02 'ctorch' 0A 'device' 0A 'U' 03 'cpu' 85 'R.'",
                .object(.init(className: "torch.device", arguments: [.string("cpu")]))
            ),
            (
                "80 02 'cargparse' 0A 'Namespace' 0A ')' 81 '}U' 01 'aK' 03 'sb.'",
                .object(.init(className: "argparse.Namespace", attributes: [.init(.string("a"), .int(3))]))
            ),
            (
                "80 03 'cnumpy._core.multiarray' 0A 'scalar' 0A 'cnumpy' 0A 'dtype' 0A 'U' 02 'i2' 89 88 87 'R(K' 03 'U' 01 '<tbC' 02 FE FF 86 'R.'",
                .int(-2)
            ),
        ] as [(String, PickleValue)])
    func valuesAreRead(text: String, value: PickleValue) throws {
        let content = try read(text)
        #expect(content.root == value)
        #expect(content.end == Self.bytes(text).count)
    }

    @Test(
        arguments: [
            ("", .truncated), ("80", .truncated), ("80 02", .truncated), ("'N.'", .badPickle),
            ("80 01 'N.'", .badPickle),
            ("80 06 'N.'", .badPickle), ("80 02 80 02 'N.'", .badPickle), ("80 02 '.'", .badPickle),
            ("80 02 'NN.'", .badPickle), ("80 02 '(N.'", .badPickle), ("80 02 '0N.'", .badPickle),
            ("80 02 'N(0.'", .badPickle), ("80 02 'N(2.'", .badPickle), ("80 02 't.'", .badPickle),
            ("80 02 'h' 00 '.'", .badPickle), ("80 02 'NNa.'", .badPickle), ("80 02 ']N' 'N' 's.'", .badPickle),
            ("80 02 '}(Nu.'", .badPickle), ("80 02 '}]Ns.'", .badPickle), ("80 02 '}))' 85 'Ns.'", .badPickle),
            ("80 02 '}(K' 01 'NK' 01 'Nu.'", .badPickle), ("80 02 'X' 01 00 00 00 FF '.'", .badPickle),
            ("80 02 'T' FF FF FF FF '.'", .badPickle), ("80 02 8B FF FF FF FF '.'", .badPickle),
            ("80 02 8B FF FF FF 7F '.'", .truncated), ("80 02 8B 01 04 00 00 00*1025 '.'", .tooLarge),
            ("80 02 'X' FF FF FF FF 'a.'", .truncated), ("80 04 8D FF*8 '.'", .tooLarge),
            ("80 04 95 FF*8 '.'", .truncated), ("80 02 'I1' 0A '.'", .forbiddenOpcode),
            ("80 02 'Pa' 0A '.'", .forbiddenOpcode), ("80 02 82 01 '.'", .forbiddenOpcode),
            ("80 04 92 '.'", .forbiddenOpcode), ("80 05 97 '.'", .forbiddenOpcode),
            ("80 02 'cposix' 0A 'system' 0A '.'", .forbiddenGlobal),
            ("80 02 'cbuiltins' 0A 'set.__init__' 0A '.'", .forbiddenGlobal),
            ("80 02 'cbuiltins' 0A '.'", .truncated), ("80 02 'c' 61*300 0A 'b' 0A '.'", .tooLarge),
            ("80 02 'cbuiltins' 0A 'set' 0A '.'", .badPickle), ("80 02 'cbuiltins' 0A 'set' 0A 'NR.'", .badPickle),
            ("80 02 'NNR.'", .badPickle), ("80 02 'NNb.'", .badPickle), ("80 02 'N)' 81 '.'", .badPickle),
            ("80 02 'ctorch' 0A 'FloatStorage' 0A ')R.'", .badPickle),
            ("80 02 'cargparse' 0A 'Namespace' 0A ')' 81 '}b}b.'", .badPickle),
            ("80 02 ']q' 00 'h' 00 'a.'", .recursive), ("80 02 '}q' 00 'Nh' 00 's.'", .recursive),
            ("80 02 ']q' 00 'h' 00 85 'a.'", .recursive), ("80 02 ')' 85*64 '.'", .tooDeep),
            ("80 02 'NQ.'", .badStorage), ("80 02 ')Q.'", .badStorage),
        ] as [(String, FileRefusal.Reason)])
    func nonsenseIsRefused(text: String, reason: FileRefusal.Reason) {
        let refusal = #expect(throws: FileRefusal.self) { try read(text) }
        #expect(refusal?.reason == reason, "\(refusal?.sentence ?? "")")
    }

    @Test func nestingUpToTheLimitIsRead() throws {
        var value = try read("80 02 ')' 85*63 '.'").root
        var depth = 0
        while case .tuple(let items) = value, let first = items.first { (value, depth) = (first, depth + 1) }
        #expect(depth == 63)
    }

    @Test func noMoreIsReadThanTheLimit() throws {
        var limits = PickleReader.Limits()
        limits.bytes = 16
        let short = Self.bytes("80 02 'U' 0A 'abcdefghij.'")
        let long = Self.bytes("80 02 'U' 0D 'abcdefghijklm.'")
        let after = short + [UInt8](repeating: 0, count: 100)
        for bytes in [short, after] {
            let content = try bytes.withUnsafeBytes { try PickleReader.read($0, storages: .none, limits: limits) }
            #expect(content.root == .string("abcdefghij"))
        }
        let refusal = #expect(throws: FileRefusal.self) {
            try long.withUnsafeBytes { try PickleReader.read($0, storages: .none, limits: limits) }
        }
        #expect(refusal?.reason == .tooLarge)
    }

    /// What is shared counts as often as it appears, text by its length, and copies that calls make by their size.
    @Test func valuesThatMultiplyAreRefused() {
        let doubled = "80 02 ']q' 00 '0' " + String(repeating: "'h' 00 '2' 86 'q' 00 '0' ", count: 40) + "'h' 00 '.'"
        let list = "80 02 '](" + String(repeating: "NNNN", count: 1000) + "eq' 00 '0' "
        let sets = list + "'(' " + String(repeating: "'c__builtin__' 0A 'set' 0A 'h' 00 85 'R' ", count: 600) + "'t.'"
        for text in [doubled, sets] {
            let refusal = #expect(throws: FileRefusal.self) { try read(text) }
            #expect(refusal?.reason == .tooLarge, "\(refusal?.sentence ?? "")")
        }
        let letters = String(repeating: "a", count: 60_000)
        var bytes = Self.bytes("80 02 '(X' 60 EA 00 00") + Array(letters.utf8) + Self.bytes("'q' 00")
        for _ in 0..<3000 { bytes += Self.bytes("'h' 00") }
        bytes += Self.bytes("'t.'")
        let refusal = #expect(throws: FileRefusal.self) {
            try bytes.withUnsafeBytes { try PickleReader.read($0, storages: .none) }
        }
        #expect(refusal?.reason == .tooLarge)
    }

    static let storage =
        "'ctorch._utils' 0A '_rebuild_tensor_v2' 0A '((U' 07 'storagectorch' 0A 'FloatStorage' 0A 'U' 01 '0U' 03 'cpuK' 06 'tQ' "

    /// Six floats under some sizes and strides: within the storage, or refused.
    @Test(
        arguments: [
            ("'K' 00 'K' 02 'K' 03 86 'K' 03 'K' 01 86", nil),
            ("'K' 01 'K' 05 85 'K' 01 85", nil),
            ("'K' 05 ))", nil),
            ("'K' 06 ))", .outOfBounds),
            ("'K' 06 'K' 00 85 'K' 01 85", nil),
            ("'K' 07 'K' 00 85 'K' 01 85", .outOfBounds),
            ("'K' 01 'K' 06 85 'K' 01 85", .outOfBounds),
            ("'K' 00 'K' 02 85 'K' 06 85", .outOfBounds),
            ("'K' 00 'K' 01 85 8A 08 FF*7 7F 85", nil),
            ("'K' 00 'K' 02 85 8A 08 FF*7 7F 85", .outOfBounds),
            ("'K' 00 'K' 03 85 8A 08 00*7 40 85", .outOfBounds),
            ("8A 08 FF*7 7F 'K' 01 85 'K' 01 85", .outOfBounds),
            ("'K' 00 'M' E8 03 85 'K' 00 85", nil),
            ("'K' 00 'J' 00 00 00 01 85 'K' 00 85", .tooLarge),
            ("'K' 00 8A 08 00*7 40 'K' 04 86 'K' 00 'K' 00 86", .tooLarge),
            ("'K' 00 8A 08 00*7 40 'K' 04 'K' 00 87 'K' 00 'K' 00 'K' 00 87", .tooLarge),
            ("'K' 00 'J' FF FF FF FF 85 'K' 01 85", .badTensor),
            ("'K' 00 'K' 01 85 'J' FF FF FF FF 85", .badTensor),
            ("'K' 00 'K' 01 85 'K' 01 'K' 01 86", .badTensor),
            ("'K' 00 88 85 'K' 01 85", .badTensor),
            ("'N' 'K' 01 85 'K' 01 85", .badTensor),
            ("'K' 00 ]]", .badTensor),
        ] as [(String, FileRefusal.Reason?)])
    func tensorsStayWithinTheirStorage(view: String, reason: FileRefusal.Reason?) throws {
        let view = view.replacingOccurrences(of: "))", with: "'))'").replacingOccurrences(of: "]]", with: "']]'")
        let text = "80 02 " + Self.storage + view + " 89 'NtR.'"
        if let reason {
            let refusal = #expect(throws: FileRefusal.self) { try read(text) }
            #expect(refusal?.reason == reason, "\(refusal?.sentence ?? "")")
        } else {
            let content = try read(text)
            #expect(content.root == .tensor(0) && content.tensors.count == 1)
            #expect(content.storages.map(\.count) == [6])
        }
    }
}
