import Foundation

/// An uncompressed TIFF of one strip a plane.
struct DrawnTIFF {
    var width = 5
    var height = 3
    var samples: Int
    var bits = 8
    var photometric = 1
    var planes = false
    var extras: [Int] = []
    var orientation = 1
    var format = 1
    /// The value of a sample in full range, by (row, column, channel).
    var value: (Int, Int, Int) -> Int = { row, column, channel in row * 40 + column * 7 + channel * 3 }

    func bytes() -> Data {
        func plane(_ channels: Range<Int>) -> [UInt8] {
            var out: [UInt8] = []
            for row in 0..<height {
                for column in 0..<width {
                    for channel in channels {
                        let sample = value(row, column, channel)
                        out += bits == 16 ? [UInt8(sample & 255), UInt8(sample >> 8)] : [UInt8(sample & 255)]
                    }
                }
            }
            return out
        }
        let strips = planes ? (0..<samples).map { plane($0..<($0 + 1)) } : [plane(0..<samples)]
        var data = Data([0x49, 0x49, 42, 0, 0, 0, 0, 0])
        func append16(_ value: Int) { data.append(contentsOf: [UInt8(value & 255), UInt8(value >> 8 & 255)]) }
        func append32(_ value: Int) { append16(value & 0xFFFF); append16(value >> 16) }
        /// Writes values elsewhere where they do not fit into the entry itself; gives the entry's last four bytes.
        func place(_ type: Int, _ values: [Int]) -> [UInt8] {
            let size = type == 3 ? 2 : 4
            var bytes = values.flatMap { value in (0..<size).map { UInt8(value >> (8 * $0) & 255) } }
            if bytes.count <= 4 { return bytes + Array(repeating: 0, count: 4 - bytes.count) }
            let offset = data.count
            if bytes.count % 2 == 1 { bytes.append(0) }
            data.append(contentsOf: bytes)
            return (0..<4).map { UInt8(offset >> (8 * $0) & 255) }
        }
        var offsets: [Int] = []
        for strip in strips {
            offsets.append(data.count)
            data.append(contentsOf: strip + (strip.count % 2 == 1 ? [0] : []))
        }
        var entries: [(tag: Int, type: Int, values: [Int])] = [
            (256, 4, [width]), (257, 4, [height]), (258, 3, Array(repeating: bits, count: samples)), (259, 3, [1]),
            (262, 3, [photometric]), (273, 4, offsets), (274, 3, [orientation]), (277, 3, [samples]),
            (278, 4, [height]), (279, 4, strips.map(\.count)), (284, 3, [planes ? 2 : 1]),
        ]
        if !extras.isEmpty { entries.append((338, 3, extras)) }
        entries.append((339, 3, Array(repeating: format, count: samples)))
        let fields = entries.map { place($0.type, $0.values) }
        let directory = data.count
        append16(entries.count)
        for (entry, field) in zip(entries, fields) {
            append16(entry.tag)
            append16(entry.type)
            append32(entry.values.count)
            data.append(contentsOf: field)
        }
        append32(0)
        for index in 0..<4 { data[4 + index] = UInt8(directory >> (8 * index) & 255) }
        return data
    }
}
