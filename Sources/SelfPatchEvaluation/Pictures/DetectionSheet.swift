import SelfPatchData

/// Pictures with their true objects and the found ones side by side.
package struct DetectionSheet {
    private let title: String
    /// Width of a picture on the sheet, in pixels.
    private let width: Int
    private var rows: [(name: String, truth: Pixels, found: Pixels)] = []

    package init(title: String, width: Int = 320) {
        self.title = title
        self.width = width
    }

    private static let gap = 8
    private static let line = BitmapFont.height + 4

    package mutating func add(
        _ name: String, image: Pixels, truth: [DetectionDrawing.Object], found: [DetectionDrawing.Object]
    ) {
        // Drawn at the sheet's size, so that names can be read; what is very tall, as high as two such widths.
        let factor = min(Double(width) / Double(image.width), Double(2 * width) / Double(image.height))
        func side(_ length: Int) -> Int { max(1, Int((Double(length) * factor).rounded())) }
        let size = ViewSize(height: side(image.height), width: side(image.width))
        let small = Pixels(planes: image.resized(to: size, scratch: ViewScratch()), size: size)
        func drawn(_ objects: [DetectionDrawing.Object]) -> Pixels {
            let scaled = objects.map { object in
                DetectionDrawing.Object(
                    box: DetectionBox(
                        x: object.box.x * factor, y: object.box.y * factor, width: object.box.width * factor,
                        height: object.box.height * factor),
                    label: object.label, mask: object.mask.map { $0.resized(to: size) })
            }
            return DetectionDrawing.picture(of: small, scaled).pixels
        }
        rows.append((name, drawn(truth), drawn(found)))
    }

    package func picture() -> Picture {
        let (gap, line) = (Self.gap, Self.line)
        let head = gap + 3 * line
        var picture = Picture(
            height: head + rows.reduce(0) { $0 + $1.truth.height + line + gap },
            width: max(gap + 2 * (width + gap), 2 * gap + title.count * 2 * BitmapFont.advance))
        picture.write(title, row: gap, column: gap, scale: 2)
        for (place, heading) in ["truth", "found"].enumerated() {
            picture.write(heading, row: gap + 2 * line, column: gap + place * (width + gap))
        }
        var top = head
        for row in rows {
            picture.draw(row.truth, row: top, column: gap)
            picture.draw(row.found, row: top, column: gap + width + gap)
            picture.write(
                String(row.name.suffix(width / BitmapFont.advance)), row: top + row.truth.height + 2, column: gap)
            top += row.truth.height + line + gap
        }
        return picture
    }
}

extension RunLengthMask {
    /// Each pixel what the mask is at its middle.
    fileprivate func resized(to size: ViewSize) -> RunLengthMask {
        let map = Pixels(height: height, width: width, channels: 1, bytes: bitmap)
        return RunLengthMask(
            bitmap: map.nearest(in: size, rows: 0..<size.height, columns: 0..<size.width), height: size.height,
            width: size.width)
    }
}
