import Foundation
import SelfPatchFormats
import Testing

@Suite struct NPYTests {
    let folder = TemporaryFolder()

    func header(_ path: String) throws -> NPYHeader {
        try Data(contentsOf: URL(filePath: path)).withUnsafeBytes { try NPYHeader($0, path: path) }
    }

    func append(_ values: some Sequence<Int>, to writer: NPYWriter) throws {
        try values.map(Float.init).withUnsafeBytes(writer.append)
    }

    func values(_ path: String) throws -> [Float] {
        let bytes = try Data(contentsOf: URL(filePath: path)).dropFirst(try header(path).dataOffset)
        return Array(bytes).withUnsafeBytes { bytes in
            (0..<(bytes.count / 4)).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }

    @Test func theHeaderIsNumPys() {
        let bytes = NPYHeader.bytes(elementType: .f32, shape: [5, 2, 3])
        #expect(
            bytes.count == 128 && bytes.prefix(10).elementsEqual([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0]))
        let text = String(decoding: bytes.dropFirst(10), as: UTF8.self)
        #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (5, 2, 3), }  "))
        #expect(text.hasSuffix(" \n"))
        #expect(String(decoding: NPYHeader.bytes(elementType: .u8, shape: [5]), as: UTF8.self).contains("(5,)"))
        #expect(String(decoding: NPYHeader.bytes(elementType: .u8, shape: []), as: UTF8.self).contains("()"))
    }

    @Test func headersOfAllTypesAndShapesAreReadBack() throws {
        for type in SafetensorsFile.ElementType.allCases where type != .bf16 {
            for shape in [[], [0], [7], [3, 1, 4], [9_000_000_000, 0], [Int](repeating: 1, count: 64)] {
                let bytes = NPYHeader.bytes(elementType: type, shape: shape)
                #expect(bytes.count % 64 == 0)
                let header = try bytes.withUnsafeBytes { try NPYHeader($0, path: "x") }
                #expect(header.elementType == type && header.shape == shape && !header.isColumnMajor)
                #expect(header.dataOffset == bytes.count)
            }
        }
        // The first size may grow in its place.
        let sizes = [0, 9, 99_999, Int.max / 4].map { NPYHeader.bytes(elementType: .f32, shape: [$0, 100]).count }
        #expect(Set(sizes).count == 1)
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5), }", "{'descr': '<f4', 'shape': (5,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), 'x': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (5,), }",
        "{'descr': '<f4', 'fortran_order': false, 'shape': (5,), }",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (5,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (5,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-5,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), } x", "{'descr': '<f4", "", "{}", "[1]",
    ])
    func oddHeadersAreRefused(text: String) {
        let bytes: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(text.utf8.count), 0] + text.utf8
        let error = #expect(throws: UserError.self) { try bytes.withUnsafeBytes { try NPYHeader($0, path: "x.npy") } }
        #expect(error?.message.hasPrefix("Cannot read x.npy as a NumPy array: ") == true)
        for length in 0..<bytes.count {
            #expect(throws: UserError.self) {
                try Array(bytes[..<length]).withUnsafeBytes { try NPYHeader($0, path: "x.npy") }
            }
        }
    }

    @Test func rowsCountOnceTheyAreSaved() throws {
        let path = folder.file("a.npy")
        let writer = try NPYWriter(path: path, elementType: .f32, rowShape: [2, 3])
        #expect(try header(path).shape == [0, 2, 3])
        try append(0..<12, to: writer)
        #expect(try header(path).shape == [0, 2, 3])
        try writer.save()
        #expect(try header(path).shape == [2, 2, 3])
        #expect(try NPYWriter.savedRows(in: path) == 2)
        try append(100..<118, to: writer)
        #expect(writer.rows == 5)

        // Killed here: the three rows that were not saved are written again by whoever goes on.
        let next = try NPYWriter(path: path, elementType: .f32, rowShape: [2, 3], resuming: 2)
        try append(12..<18, to: next)
        try next.finish()
        #expect(try header(path).shape == [3, 2, 3])
        #expect(try values(path) == (0..<18).map(Float.init))
    }

    @Test func onlyTheSameRowsAreGoneOnWith() throws {
        let path = folder.file("a.npy")
        let writer = try NPYWriter(path: path, elementType: .f32, rowShape: [4])
        try append(0..<8, to: writer)
        try writer.finish()
        #expect(throws: UserError.self) { try NPYWriter(path: path, elementType: .f32, rowShape: [5], resuming: 1) }
        #expect(throws: UserError.self) { try NPYWriter(path: path, elementType: .f16, rowShape: [4], resuming: 1) }
        #expect(throws: UserError.self) { try NPYWriter(path: path, elementType: .f32, rowShape: [4], resuming: 3) }
        #expect(throws: UserError.self) {
            try NPYWriter(path: folder.file("missing.npy"), elementType: .f32, rowShape: [4], resuming: 0)
        }
        let fewer = try NPYWriter(path: path, elementType: .f32, rowShape: [4], resuming: 1)
        try fewer.finish()
        #expect(try values(path) == [0, 1, 2, 3])
    }
}
