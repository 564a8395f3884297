import SelfPatchData

/// Frames of a video with the objects of their masks in colour, in rows and columns.
package struct MaskOverlay {
    /// Columns of the sheet.
    package static let columns = 4

    private let title: String
    /// Width of a frame on the sheet, in pixels.
    private let tileWidth: Int
    private var tiles: [(name: String, pixels: Pixels)] = []

    package init(title: String, tileWidth: Int = 240) {
        self.title = title
        self.tileWidth = tileWidth
    }

    /// Which of `count` frames to show: the first, the last, and others evenly between them.
    package static func chosen(of count: Int, most: Int = 8) -> [Int] {
        guard count > most else { return Array(0..<count) }
        return (0..<most).map { $0 * (count - 1) / (most - 1) }
    }

    /// - Parameters:
    ///   - frame: one or three channels.
    ///   - mask: numbers of objects, of the frame's size.
    package mutating func add(_ name: String, frame: Pixels, mask: Pixels) {
        let painted = Self.painted(frame: frame, mask: mask)
        let width = min(tileWidth, frame.width)
        let size = ViewSize(height: max(1, frame.height * width / frame.width), width: width)
        let planes = painted.resized(to: size, scratch: ViewScratch())
        let bytes = (0..<size.pixels).flatMap { place in (0..<3).map { planes[$0 * size.pixels + place] } }
        tiles.append((name, Pixels(height: size.height, width: size.width, channels: 3, bytes: bytes)))
    }

    /// Objects half in the palette's colour, their borders wholly; what belongs to none as it is.
    ///
    /// - Parameter background: the number that belongs to no object; nil where each belongs to one.
    package static func painted(
        frame: Pixels, mask: Pixels, palette: LabelPalette = .pascal, background: UInt8? = 0
    ) -> Pixels {
        precondition(
            frame.height == mask.height && frame.width == mask.width && mask.channels == 1,
            "a frame of \(frame.height) x \(frame.width), a mask of \(mask.height) x \(mask.width)")
        let step = frame.channels == 1 ? 0 : 1
        let (height, width) = (frame.height, frame.width)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(height * width * 3)
        func differs(_ place: Int, _ row: Int, _ column: Int) -> Bool {
            guard 0..<height ~= row, 0..<width ~= column else { return false }
            return mask.bytes[row * width + column] != mask.bytes[place]
        }
        for row in 0..<height {
            for column in 0..<width {
                let place = row * width + column
                let number = mask.bytes[place]
                let color = palette[number]
                let isBorder =
                    number != background
                    && (differs(place, row - 1, column) || differs(place, row + 1, column)
                        || differs(place, row, column - 1) || differs(place, row, column + 1))
                for (channel, part) in [color.red, color.green, color.blue].enumerated() {
                    let own = frame.bytes[place * frame.channels + channel * step]
                    let mixed = number == background ? own : isBorder ? part : UInt8((Int(own) + Int(part)) / 2)
                    bytes.append(mixed)
                }
            }
        }
        return Pixels(height: height, width: width, channels: 3, bytes: bytes)
    }

    /// Lays out what was added; nil where nothing was.
    package func picture() -> Picture? {
        guard let first = tiles.first?.pixels else { return nil }
        let gap = 6
        let line = BitmapFont.height + 3
        let columns = min(Self.columns, tiles.count)
        let rows = (tiles.count + columns - 1) / columns
        let top = gap + 2 * line
        var picture = Picture(
            height: top + rows * (first.height + line + gap),
            width: max(
                gap + columns * (first.width + gap), 2 * gap + title.count * 2 * BitmapFont.advance))
        picture.write(title, row: gap, column: gap, scale: 2)
        for (place, tile) in tiles.enumerated() {
            let row = top + place / columns * (first.height + line + gap)
            let column = gap + place % columns * (first.width + gap)
            picture.draw(tile.pixels, row: row, column: column)
            picture.write(tile.name, row: row + first.height + 2, column: column)
        }
        return picture
    }
}
