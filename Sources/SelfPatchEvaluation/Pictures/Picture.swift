import SelfPatchData

/// A colour of a picture, 8 bits a channel.
package struct PictureColor: Equatable, Sendable {
    package var red: UInt8
    package var green: UInt8
    package var blue: UInt8

    package init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    package static let white = PictureColor(red: 255, green: 255, blue: 255)
    package static let black = PictureColor(red: 0, green: 0, blue: 0)
    package static let ink = PictureColor(red: 40, green: 40, blue: 40)
}

/// A picture to draw on: three channels, rows from the top. What falls outside is cut off.
package struct Picture: Sendable {
    package let height: Int
    package let width: Int
    private var bytes: [UInt8]

    package init(height: Int, width: Int, background: PictureColor = .white) {
        precondition(height > 0 && width > 0, "a picture of \(height) x \(width)")
        self.height = height
        self.width = width
        bytes = [UInt8](repeating: 0, count: height * width * 3)
        fill(rows: 0..<height, columns: 0..<width, with: background)
    }

    /// What has been drawn.
    package var pixels: Pixels { Pixels(height: height, width: width, channels: 3, bytes: bytes) }

    /// Writes a PNG file, whole or not at all.
    package func write(to path: String) throws { try PNGFile.write(pixels, to: path) }

    package subscript(row: Int, column: Int) -> PictureColor {
        get {
            let place = (row * width + column) * 3
            return PictureColor(red: bytes[place], green: bytes[place + 1], blue: bytes[place + 2])
        }
        set {
            guard 0..<height ~= row, 0..<width ~= column else { return }
            let place = (row * width + column) * 3
            bytes[place] = newValue.red
            bytes[place + 1] = newValue.green
            bytes[place + 2] = newValue.blue
        }
    }

    package mutating func fill(rows: Range<Int>, columns: Range<Int>, with color: PictureColor) {
        for row in rows { for column in columns { self[row, column] = color } }
    }

    /// Draws the four sides of a box, growing outwards from it.
    package mutating func frame(rows: Range<Int>, columns: Range<Int>, thickness: Int = 1, color: PictureColor) {
        let outer = (rows.lowerBound - thickness)..<(rows.upperBound + thickness)
        fill(rows: outer.lowerBound..<rows.lowerBound, columns: spread(columns, thickness), with: color)
        fill(rows: rows.upperBound..<outer.upperBound, columns: spread(columns, thickness), with: color)
        fill(rows: outer, columns: (columns.lowerBound - thickness)..<columns.lowerBound, with: color)
        fill(rows: outer, columns: columns.upperBound..<(columns.upperBound + thickness), with: color)
    }

    /// Copies a decoded picture of one or three channels, its upper left corner at (`row`, `column`), each of its pixels
    /// becoming `scale` x `scale`.
    package mutating func draw(_ pixels: Pixels, row: Int, column: Int, scale: Int = 1) {
        precondition(pixels.channels == 1 || pixels.channels == 3, "\(pixels.channels) channels cannot be drawn")
        let step = pixels.channels == 3 ? 1 : 0
        for y in 0..<pixels.height * scale {
            for x in 0..<pixels.width * scale {
                let place = (y / scale * pixels.width + x / scale) * pixels.channels
                self[row + y, column + x] = PictureColor(
                    red: pixels.bytes[place], green: pixels.bytes[place + step], blue: pixels.bytes[place + 2 * step])
            }
        }
    }

    /// Draws a line of small letters, its upper left corner at (`row`, `column`).
    package mutating func write(_ text: String, row: Int, column: Int, scale: Int = 1, color: PictureColor = .ink) {
        for (position, character) in text.enumerated() {
            for (y, dots) in BitmapFont.rows(of: character).enumerated() {
                for x in 0..<5 where dots >> (4 - x) & 1 == 1 {
                    let top = row + y * scale
                    let left = column + (position * BitmapFont.advance + x) * scale
                    fill(rows: top..<top + scale, columns: left..<left + scale, with: color)
                }
            }
        }
    }

    private func spread(_ range: Range<Int>, _ by: Int) -> Range<Int> {
        (range.lowerBound - by)..<(range.upperBound + by)
    }
}
