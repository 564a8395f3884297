import SelfPatchData
import SelfPatchFormats
import Testing

/// Resizing as the field's video evaluation does it, against checksums of what OpenCV 4.10 and 5.0 (which agree) and
/// Pillow 13.0 gave for the same drawn pictures.
@Suite struct LinearResizeTests {
    struct Case: Sendable, CustomStringConvertible {
        let from: [Int]
        let to: [Int]
        let checksum: UInt32
        var description: String { "\(from) to \(to)" }
    }

    private static let pictures = [
        Case(from: [48, 85, 3], to: [32, 64], checksum: 0xF49D2AA3),
        Case(from: [85, 48, 3], to: [64, 32], checksum: 0x3FC5AF9A),
        Case(from: [7, 9, 3], to: [64, 64], checksum: 0xE5BBBB9E),
        Case(from: [64, 96, 3], to: [32, 48], checksum: 0x60010262),
        Case(from: [33, 40, 1], to: [33, 40], checksum: 0x62B258A0),
        Case(from: [1, 1, 3], to: [8, 8], checksum: 0x8BFF08F2),
        Case(from: [90, 160, 1], to: [64, 64], checksum: 0x57408ACF),
        Case(from: [120, 213, 3], to: [64, 64], checksum: 0xFE92EBC9),
    ]

    @Test(arguments: pictures) func picturesAreOpenCVsToTheByte(item: Case) {
        let (height, width, channels) = (item.from[0], item.from[1], item.from[2])
        var bytes: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels { bytes.append(UInt8((y * y * 37 + x * 91 + c * 53 * (x + y)) % 256)) }
            }
        }
        let picture = Pixels(height: height, width: width, channels: channels, bytes: bytes)
        #expect(
            Self.checksum(picture.resizedLinear(to: ViewSize(height: item.to[0], width: item.to[1]))) == item.checksum)
    }

    /// In the second case some places lie on the border of two pixels.
    private static let maps = [
        Case(from: [480, 854], to: [30, 52], checksum: 0x8FDF4118),
        Case(from: [480, 832], to: [480, 854], checksum: 0x4E965B64),
        Case(from: [37, 195], to: [41, 67], checksum: 0xA479E88A),
        Case(from: [416, 50], to: [427, 3], checksum: 0x30A96C78),
    ]

    @Test(arguments: maps) func mapsArePillowsToTheByte(item: Case) {
        let (height, width) = (item.from[0], item.from[1])
        var bytes: [UInt8] = []
        for y in 0..<height { for x in 0..<width { bytes.append(UInt8((y * 37 + x * 91) % 256)) } }
        let map = Pixels(height: height, width: width, channels: 1, bytes: bytes)
        #expect(
            Self.checksum(map.resizedLabels(to: ViewSize(height: item.to[0], width: item.to[1])).bytes) == item.checksum
        )
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var checksum = CRC32()
        bytes.withUnsafeBytes { checksum.update($0) }
        return checksum.value
    }
}
