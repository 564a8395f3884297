import Foundation
import SelfPatchFormats

/// A PNG of any bit depth, its rows stored as they are.
package struct DrawnPNG {
    /// 0: grey, 2: colour, 3: places in a palette.
    package var colorType: UInt8
    package var bits: Int
    /// Rows of samples.
    package var rows: [[Int]]
    /// Red, green and blue of each entry.
    package var palette: [[UInt8]]

    package init(colorType: UInt8, bits: Int, rows: [[Int]], palette: [[UInt8]] = []) {
        self.colorType = colorType
        self.bits = bits
        self.rows = rows
        self.palette = palette
    }

    package func bytes() -> Data {
        var file = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let width = rows[0].count / (colorType == 2 ? 3 : 1)
        file += chunk("IHDR", big32(width) + big32(rows.count) + [UInt8(bits), colorType, 0, 0, 0])
        if !palette.isEmpty { file += chunk("PLTE", palette.flatMap { $0 }) }
        let packed = rows.flatMap { [UInt8(0)] + self.packed($0) }
        let blocks = stride(from: 0, to: packed.count, by: 65_535).flatMap { start in
            let block = packed[start..<min(start + 65_535, packed.count)]
            let isLast: UInt8 = block.endIndex == packed.count ? 1 : 0
            let length = [UInt8(block.count & 255), UInt8(block.count >> 8)]
            return [isLast] + length + length.map { ~$0 } + block
        }
        file += chunk("IDAT", [0x78, 0x01] + blocks + big32(adler(packed)))
        return file + chunk("IEND", [])
    }

    private func packed(_ samples: [Int]) -> [UInt8] {
        if bits == 16 { return samples.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }
        let each = 8 / bits
        return stride(from: 0, to: samples.count, by: each).map { start in
            (0..<each).reduce(UInt8(0)) { byte, place in
                let sample = start + place < samples.count ? samples[start + place] : 0
                return byte | UInt8(sample << (8 - bits * (place + 1)))
            }
        }
    }

    private func big32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 255) } }

    private func chunk(_ name: String, _ content: [UInt8]) -> Data {
        let body = Array(name.utf8) + content
        var checksum = CRC32()
        body.withUnsafeBytes { checksum.update($0) }
        return Data(big32(content.count) + body + big32(Int(checksum.value)))
    }

    private func adler(_ bytes: [UInt8]) -> Int {
        let (a, b) = bytes.reduce((1, 0)) { sums, byte in
            let a = (sums.0 + Int(byte)) % 65_521
            return (a, (sums.1 + a) % 65_521)
        }
        return b << 16 | a
    }
}
