import Foundation
import SelfPatchFormats
import Testing

/// Written checkpoints, whole and damaged.
@Suite struct PyTorchFileTests {
    let folder = TemporaryFolder()

    /// One tensor of each type, and the odd shapes.
    static var items: [SafetensorsWriter.Item] {
        SafetensorsFile.ElementType.allCases.map { item("type \($0.rawValue)", $0, [2, 3]) } + [
            item("scalar", .f32, []), item("empty", .f32, [0, 4]), item("ü \"x\".y", .i64, [7]),
            item("wide", .u8, [70_000]),
        ]
    }

    static func content(_ type: SafetensorsFile.ElementType, _ shape: [Int]) -> [UInt8] {
        let count = shape.reduce(1, *) * type.byteCount
        return (0..<count).map { UInt8(truncatingIfNeeded: type == .bool ? $0 % 2 : $0 &* 31 &+ 7) }
    }

    static func item(_ name: String, _ type: SafetensorsFile.ElementType, _ shape: [Int]) -> SafetensorsWriter.Item {
        SafetensorsWriter.Item(name: name, elementType: type, shape: shape) { body in
            try content(type, shape).withUnsafeBytes { bytes in
                // In two pieces, as streaming writers give them.
                try body(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]))
                try body(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count / 2)...]))
            }
        }
    }

    /// With 64-bit fields too, which only files beyond 4 GB need.
    @Test(arguments: [Int(UInt32.max), 100, 10])
    func writtenFilesAreReadBackWholeAndAligned(wideFrom limit: Int) throws {
        let path = folder.file("a.pth")
        try PyTorchWriter.write(Self.items, to: path, wideFrom: limit)
        let file = try PyTorchFile(path: path)
        try file.verifyChecksums()
        #expect(file.container == .zip)
        #expect(file.entries.count == Self.items.count)
        for type in SafetensorsFile.ElementType.allCases {
            let tensor = try #require(file["type \(type.rawValue)"])
            #expect(tensor.elementType == type && tensor.shape == [2, 3] && tensor.strides == [3, 1])
            #expect(tensor.offset % 64 == 0)
            #expect(try file.withContiguousBytes(of: tensor) { Array($0) } == Self.content(type, [2, 3]))
        }
        let names = file.root.pairs?.compactMap { if case .string(let name) = $0.key { name } else { nil } }
        #expect(names?.suffix(4) == ["scalar", "empty", "ü \"x\".y", "wide"])
        #expect(file["scalar"]?.shape == [] && file["empty"]?.shape == [0, 4] && file["wide"]?.shape == [70_000])
        #expect(try file.withContiguousBytes(of: try #require(file["empty"])) { $0.count } == 0)

        let again = folder.file("b.pth")
        try PyTorchWriter.write(Self.items, to: again, wideFrom: limit)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: URL(filePath: again)))
    }

    @Test func noTensorsAreAFileToo() throws {
        let path = folder.file("none.pth")
        try PyTorchWriter.write([], to: path)
        let file = try PyTorchFile(path: path)
        #expect(file.root == .dictionary([]) && file.entries.isEmpty)
    }

    /// Every flipped byte is found, or lies where nothing is: then all values are the same.
    @Test func damageIsFoundOrHarmless() throws {
        let items = [Self.item("a", .f32, [3, 4]), Self.item("b.c", .i8, [5])]
        let path = folder.file("whole.pth")
        try PyTorchWriter.write(items, to: path, wideFrom: 40)
        let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
        func values(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
            let file = try bytes.withUnsafeBytes { try PyTorchFile(MappedFile(copying: $0, path: "damaged")) }
            return Dictionary(
                uniqueKeysWithValues: try file.entries.map { entry in
                    (entry.name, try file.withContiguousBytes(of: entry.tensor) { Array($0) })
                })
        }
        let expected = try values(whole)
        #expect(expected.count == 2)
        var harmless = 0
        for place in whole.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var bytes = whole
                bytes[place] ^= mask
                guard let found = try? values(bytes) else { continue }
                harmless += 1
                #expect(found == expected, "byte \(place) ^ \(mask)")
            }
        }
        // Dates, versions, attributes and padding.
        #expect(harmless > 0 && harmless < whole.count)
        for length in whole.indices {
            #expect(throws: (any Error).self, "cut to \(length)") { try values(Array(whole[..<length])) }
        }
    }

    @Test func aFailureWhileWritingLeavesTheOldFileAndNoOther() throws {
        struct Interruption: Error {}
        let path = folder.file("kept.pth")
        try PyTorchWriter.write([Self.item("a", .u8, [2])], to: path)
        let before = try Data(contentsOf: URL(filePath: path))
        let failing = SafetensorsWriter.Item(name: "a", elementType: .u8, shape: [4]) { body in
            try [UInt8](0..<2).withUnsafeBytes(body)
            throw Interruption()
        }
        #expect(throws: Interruption.self) { try PyTorchWriter.write([failing], to: path) }
        #expect(try Data(contentsOf: URL(filePath: path)) == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["kept.pth"])
    }

    /// Files that are no checkpoints are called by their names.
    @Test(arguments: [
        ("", "it is empty"), ("<!DOCTYPE html><html></html>", "web page"), ("  <html>", "web page"),
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"), ("\u{1F}\u{8B}\u{8}", "gzip"),
        ("PK", "cut short"), ("hello", "neither a zip file nor a pickle"),
        ("pickle\0" + String(repeating: "\0", count: 600), "tar archive"),
        ("\u{10}\0\0\0\0\0\0\0{\"a\":{}}", "safetensors"),
    ])
    func otherFilesAreNamed(content: String, word: String) throws {
        let path = folder.file("other.pth")
        // One byte for each character.
        try Data(content.unicodeScalars.map { UInt8($0.value) }).write(to: URL(filePath: path))
        let error = #expect(throws: UserError.self) { try PyTorchFile(path: path) }
        #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasPrefix("Cannot read \(path)") == true)
    }

    @Test func unreadablePlacesAreNamed() throws {
        let missing = folder.file("missing.pth")
        #expect(throws: UserError("Cannot read \(missing): there is no such file or folder.")) {
            try PyTorchFile(path: missing)
        }
        #expect(throws: UserError("Cannot read \(folder.path): this is a folder, not a file.")) {
            try PyTorchFile(path: folder.path)
        }
    }
}
