import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// Maps of labels are numbers, not colours.
@Suite struct LabelMapTests {
    /// A palette that would show at once if somebody looked at its colours, and that holds the same colour often.
    private static let palette: [[UInt8]] = (0..<16).map { [UInt8(255 - $0 / 2), 7, UInt8($0 / 4)] }

    @Test(arguments: [1, 2, 4, 8], [UInt8(0), 3])
    func numbersAreReadAsTheyAreStored(bits: Int, colorType: UInt8) throws {
        let rows = (0..<3).map { row in (0..<5).map { ($0 * 3 + row) % min(1 << bits, 16) } }
        let palette = colorType == 3 ? Array(Self.palette.prefix(1 << bits)) : []
        try withTemporaryFolder { place in
            let file = DrawnPNG(colorType: colorType, bits: bits, rows: rows, palette: palette)
            let path = try place.write(file.bytes(), to: "map.png")
            let map = try ImageFile.labels(path: path)
            #expect(map.height == 3 && map.width == 5 && map.channels == 1)
            #expect(map.bytes.map(Int.init) == rows.flatMap { $0 })
            // As a picture, the same file is its colours.
            let color = try ImageFile.decode(path: path, channels: 3)
            let last = rows[2][4]
            let scaled = UInt8(last * 255 / ((1 << bits) - 1))
            let expected = colorType == 3 ? Self.palette[last] : [scaled, scaled, scaled]
            #expect(Array(color.bytes.suffix(3)) == expected)
        }
    }

    @Test func whatIsWrittenWithAPaletteIsReadBack() throws {
        try withTemporaryFolder { place in
            let labels = Pixels(height: 8, width: 32, channels: 1, bytes: (0..<256).map { UInt8($0) })
            let path = place.file("labels.png")
            try PNGFile.write(labels: labels, palette: .pascal, to: path)
            #expect(try ImageFile.labels(path: path) == labels)
            #expect(try ImageFile.decode(path: path, channels: 3).bytes == LabelPalette.pascal.bytes)
        }
    }

    /// The first colours of PASCAL VOC's development kit, and its last.
    @Test func paletteIsPascals() {
        let first: [UInt8] = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128, 128, 0, 128, 0, 128, 128]
        #expect(Array(LabelPalette.pascal.bytes.prefix(21)) == first)
        #expect(Array(LabelPalette.pascal.bytes.suffix(3)) == [224, 224, 192])
    }

    @Test func whatHoldsNoLabelsIsRefused() throws {
        try withTemporaryFolder { place in
            let color = DrawnPNG(colorType: 2, bits: 8, rows: [[1, 2, 3], [4, 5, 6]]).bytes()
            let deep = DrawnPNG(colorType: 0, bits: 16, rows: [[1, 2], [3, 700]]).bytes()
            var cut = DrawnPNG(colorType: 3, bits: 4, rows: [[1, 2], [3, 4]], palette: Self.palette).bytes()
            cut.removeLast(30)
            for (bytes, reason) in [
                (color, "has 3 channels"), (deep, "has 16 bits a pixel"), (cut, "ends after"), (Data(), "is empty"),
                (Data("<svg/>".utf8), "SVG"),
            ] {
                let path = try place.write(bytes, to: "map.png")
                let error = #expect(throws: UserError.self) { try ImageFile.labels(path: path) }
                #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
                #expect(error?.message.contains("map.png") == true)
            }
        }
    }

    /// Every shorter beginning of a file, and every single byte changed: an error or some map of the header's size, no crash.
    @Test func damagedMapsNeverTrap() throws {
        let whole = DrawnPNG(
            colorType: 3, bits: 2, rows: [[1, 2, 3], [3, 0, 1]], palette: Array(Self.palette.prefix(4))
        ).bytes()
        try withTemporaryFolder { place in
            var refused = 0
            for index in whole.indices {
                var changed = whole
                changed[index] ^= 0x15
                for bytes in [changed, whole.prefix(index)] {
                    let path = try place.write(bytes, to: "map.png")
                    do throws(ImageProblem) {
                        let map = try ImageFile.readLabels(path: path, pixelLimit: 10_000)
                        #expect(map.bytes.count == map.height * map.width)
                    } catch {
                        refused += 1
                    }
                }
            }
            #expect(refused > whole.count)
        }
    }
}
