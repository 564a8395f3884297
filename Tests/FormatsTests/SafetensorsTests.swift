import Foundation
import SelfPatchFormats
import Testing

@Suite struct SafetensorsTests {
    let folder = TemporaryFolder()

    @Test func writtenFilesAreReadBackWholeAndAligned() throws {
        let path = folder.file("a.safetensors")
        let values = (0..<48).map { Float($0) / 7 }
        let metadata = ["step": "7", "note": "tab\t, quote \", line\n, \u{1}, ü, 日本", "empty": ""]
        try SafetensorsWriter.write(
            [
                item("three bytes", .u8, [3], [1, 2, 3]),
                item("weights", .f32, [3, 16], values.bytes),
                item("one", .i64, [], [9, 0, 0, 0, 0, 0, 0, 0]),
                item("nothing", .f32, [0, 4], []),
                item("width \"20\"/ü", .f32, [20], [UInt8](repeating: 5, count: 80)),
            ], metadata: metadata, to: path)

        let file = try SafetensorsFile(path: path)
        try file.verifyChecksum()
        #expect(file.metadata.filter { $0.key != "crc32" } == metadata)
        #expect(file.entries.map(\.name) == ["weights", "nothing", "width \"20\"/ü", "one", "three bytes"])
        for entry in file.entries { #expect(entry.offset % entry.elementType.byteCount == 0) }
        let weights = try #require(file["weights"])
        #expect(weights.offset % 64 == 0)
        #expect(weights.shape == [3, 16])
        #expect(file.withBytes(of: weights) { Array($0) } == values.bytes)
        #expect(file["weight"] == nil)

        let again = folder.file("b.safetensors")
        let items = file.entries.map { entry in
            SafetensorsWriter.Item(name: entry.name, elementType: entry.elementType, shape: entry.shape) { body in
                try file.withBytes(of: entry) { bytes in
                    try body(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
                    try body(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count / 2)...]))
                }
            }
        }
        try SafetensorsWriter.write(items, metadata: metadata, to: again)
        #expect(try Data(contentsOf: URL(filePath: again)) == Data(contentsOf: URL(filePath: path)))
    }

    /// Every single flipped bit and every truncation is found, by the header's checks or by the checksum.
    @Test func damageIsAlwaysFound() throws {
        let path = folder.file("whole.safetensors")
        try SafetensorsWriter.write(
            [item("a", .f32, [5, 4], [UInt8](0..<80)), item("b", .i8, [3], [7, 8, 9])], metadata: ["step": "1"],
            to: path)
        let whole = try Data(contentsOf: URL(filePath: path))
        let damaged = folder.file("damaged.safetensors")
        for place in 0..<whole.count {
            var bytes = whole
            bytes[place] ^= 1 << UInt8(place % 8)
            try bytes.write(to: URL(filePath: damaged))
            #expect(throws: UserError.self, "byte \(place)") { try SafetensorsFile(path: damaged).verifyChecksum() }
        }
        for length in 0..<whole.count {
            try whole.prefix(length).write(to: URL(filePath: damaged))
            #expect(throws: UserError.self, "cut to \(length)") { try SafetensorsFile(path: damaged).verifyChecksum() }
        }
    }

    @Test func otherWritersFilesHaveNoChecksumAndSaySo() throws {
        let path = folder.file("foreign.safetensors")
        try Data([2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D]).write(to: URL(filePath: path))
        let file = try SafetensorsFile(path: path)
        #expect(file.entries.isEmpty)
        #expect(!file.hasChecksum)
        #expect(throws: UserError("Cannot verify \(path): it carries no checksum, so another program wrote it.")) {
            try file.verifyChecksum()
        }
    }

    @Test func aFailureWhileWritingLeavesTheOldFileAndNoOther() throws {
        struct Interruption: Error {}
        let path = folder.file("kept.safetensors")
        try SafetensorsWriter.write([item("a", .u8, [2], [1, 2])], metadata: [:], to: path)
        let before = try Data(contentsOf: URL(filePath: path))
        let failing = SafetensorsWriter.Item(name: "a", elementType: .u8, shape: [4]) { body in
            try [UInt8](0..<2).withUnsafeBytes(body)
            throw Interruption()
        }
        #expect(throws: Interruption.self) { try SafetensorsWriter.write([failing], metadata: [:], to: path) }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["kept.safetensors"])
    }

    @Test func unwritableAndUnreadablePlacesAreNamed() throws {
        let missing = folder.file("no/such/folder.safetensors")
        #expect(throws: UserError("Cannot write \(missing): its folder does not exist.")) {
            try SafetensorsWriter.write([], metadata: [:], to: missing)
        }
        #expect(throws: UserError("Cannot read \(folder.path): this is a folder, not a file.")) {
            try SafetensorsFile(path: folder.path)
        }
        #expect(throws: UserError("Cannot read \(missing): there is no such file or folder.")) {
            try SafetensorsFile(path: missing)
        }
        #expect(throws: UserError("Cannot read /dev/zero: it is no ordinary file.")) {
            try SafetensorsFile(path: "/dev/zero")
        }
        if let device = try? AtomicFile.write(Data([1]), to: "/proc/selfpatch-no-such-file") as Void? {
            Issue.record("writing into /proc worked: \(device)")
        }
    }

    @Test(
        arguments: [
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, nil),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}}"#, 8, "unknown key 'extra'"),
            (#"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 8, "'dtype' twice"),
            (#"{"a":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}"#, 8, "not as JSON writes"),
            (#"{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}"#, 8, "digits alone"),
            (#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "digits alone"),
            (
                #"{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904,0],"data_offsets":[0,0]}}"#, 0,
                "too large"
            ),
            (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}"#, 8, "a key in quotation marks is expected"),
            (#"{"\ud83d\ude00":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1, nil),
            (#"{"\ud83d":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1, "half a pair"),
            (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}x"#, 1, "more follows"),
            ("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}\n", 1, "goes on after"),
            (#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "metadata name 'a' twice"),
        ] as [(String, Int, String?)])
    func headersAreReadToTheLetter(json: String, dataBytes: Int, complaint: String?) throws {
        let path = folder.file("header.safetensors")
        var bytes = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) }
        bytes += Data(json.utf8) + Data(count: dataBytes)
        try bytes.write(to: URL(filePath: path))
        if let complaint {
            let error = #expect(throws: UserError.self) { try SafetensorsFile(path: path) }
            #expect(error?.message.contains(complaint) == true, "\(error?.message ?? "")")
            #expect(error?.message.hasPrefix("Cannot read \(path)") == true)
        } else {
            #expect(try SafetensorsFile(path: path).entries.count == 1)
        }
    }

    @Test func theChecksumIsTheUsualOne() {
        func crc(_ bytes: [UInt8]) -> UInt32 {
            var checksum = CRC32()
            bytes.withUnsafeBytes { checksum.update($0) }
            return checksum.value
        }
        #expect(crc(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(crc([]) == 0)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
        for cut in [1, 15, 16, 17, 500, 999] {
            var parts = CRC32()
            bytes[..<cut].withUnsafeBytes { parts.update($0) }
            bytes[cut...].withUnsafeBytes { parts.update($0) }
            #expect(parts.value == crc(bytes), "cut at \(cut)")
        }
    }

    /// A count would be better than a time, but this bar is far below what any machine does and far above a table of bytes.
    @Test func theChecksumKeepsUpWithDisks() {
        let block = [UInt8](repeating: 0xA5, count: 64 << 20)
        var best = Duration.seconds(100)
        for _ in 0..<3 {
            var checksum = CRC32()
            best = min(best, ContinuousClock().measure { block.withUnsafeBytes { checksum.update($0) } })
        }
        let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) * 1e-18
        print("CRC-32: \(0.064 * 1.048576 / seconds) GB/s")
        #expect(seconds < 0.5)
    }

    private func item(
        _ name: String, _ type: SafetensorsFile.ElementType, _ shape: [Int], _ bytes: [UInt8]
    ) -> SafetensorsWriter.Item {
        SafetensorsWriter.Item(name: name, elementType: type, shape: shape) { body in try bytes.withUnsafeBytes(body) }
    }
}

extension [Float] {
    var bytes: [UInt8] { withUnsafeBytes { Array<UInt8>($0) } }
}

/// A folder that goes when the test does.
final class TemporaryFolder {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appending(path: "selfpatch-\(UUID().uuidString)").path
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func file(_ name: String) -> String { path + "/" + name }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
