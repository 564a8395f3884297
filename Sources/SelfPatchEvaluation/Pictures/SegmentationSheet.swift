import SelfPatchData

/// Images, their true classes and the predicted ones side by side, with a legend of the classes that occur.
package struct SegmentationSheet {
    /// One image with its maps of class numbers, `[height, width]` row by row.
    package struct Row: Sendable {
        package let name: String
        package let image: Pixels
        package let truth: [UInt8]
        package let predicted: [UInt8]

        package init(name: String, image: Pixels, truth: [UInt8], predicted: [UInt8]) {
            let count = image.height * image.width
            precondition(
                truth.count == count && predicted.count == count,
                "\(truth.count) and \(predicted.count) labels for \(count) pixels")
            self.name = name
            self.image = image
            self.truth = truth
            self.predicted = predicted
        }
    }

    package var title: String
    package let classes: ClassList
    package let rows: [Row]
    /// Width of a picture on the sheet, in pixels.
    package var width: Int

    package init(title: String, classes: ClassList, rows: [Row], width: Int = 240) {
        self.title = title
        self.classes = classes
        self.rows = rows
        self.width = width
    }

    private static let gap = 8
    private static let line = BitmapFont.height + 4

    package func picture() -> Picture {
        let (gap, line) = (Self.gap, Self.line)
        let heights = rows.map { max(1, $0.image.height * width / $0.image.width) }
        let sheetWidth = max(gap + 3 * (width + gap), 2 * gap + title.count * 2 * BitmapFont.advance)
        let entries = legend
        let longest = entries.map { classes.names[$0].count }.max() ?? 0
        let entryWidth = 3 * gap + min(longest, 24) * BitmapFont.advance + gap
        let columns = max(1, (sheetWidth - gap) / entryWidth)
        let legendRows = (entries.count + columns - 1) / columns
        let head = gap + 2 * line + line
        let body = heights.reduce(0) { $0 + $1 + line + gap }
        var picture = Picture(height: head + body + legendRows * line + gap, width: sheetWidth)
        picture.write(title, row: gap, column: gap, scale: 2)
        for (place, heading) in ["image", "truth", "prediction"].enumerated() {
            picture.write(heading, row: gap + 2 * line, column: gap + place * (width + gap))
        }
        var top = head + gap / 2
        for (row, height) in zip(rows, heights) {
            let size = ViewSize(height: height, width: width)
            for (place, pixels) in [
                Self.shown(row.image, at: size), colored(row.truth, of: row, at: size),
                colored(row.predicted, of: row, at: size),
            ].enumerated() {
                picture.draw(pixels, row: top, column: gap + place * (width + gap))
            }
            picture.write(String(row.name.suffix(width / BitmapFont.advance)), row: top + height + 2, column: gap)
            top += height + line + gap
        }
        for (place, number) in entries.enumerated() {
            let row = top + place / columns * line
            let column = gap + place % columns * entryWidth
            picture.fill(
                rows: row..<row + BitmapFont.height, columns: column..<column + 2 * gap, with: color(UInt8(number)))
            picture.write(String(classes.names[number].prefix(24)), row: row + 1, column: column + 3 * gap)
        }
        return picture
    }

    /// Classes that are in some truth or prediction.
    private var legend: [Int] {
        var isThere = [Bool](repeating: false, count: 256)
        for row in rows {
            for label in row.truth { isThere[Int(label)] = true }
            for label in row.predicted { isThere[Int(label)] = true }
        }
        return classes.names.indices.filter { isThere[$0] }
    }

    /// Black is no class.
    private func color(_ label: UInt8) -> PictureColor {
        guard Int(label) < classes.count else { return .black }
        let color = classes.colors[Int(label)]
        return PictureColor(red: color[0], green: color[1], blue: color[2])
    }

    private func colored(_ labels: [UInt8], of row: Row, at size: ViewSize) -> Pixels {
        let map = Pixels(height: row.image.height, width: row.image.width, channels: 1, bytes: labels)
        let bytes = map.resizedLabels(to: size).bytes.flatMap { label -> [UInt8] in
            let color = color(label)
            return [color.red, color.green, color.blue]
        }
        return Pixels(height: size.height, width: size.width, channels: 3, bytes: bytes)
    }

    /// Images of other than one or three channels are shown by their first.
    private static func shown(_ image: Pixels, at size: ViewSize) -> Pixels {
        let planes = image.resized(to: size, scratch: ViewScratch())
        let channels = image.channels == 3 ? 3 : 1
        return Pixels(planes: Array(planes[0..<channels * size.pixels]), size: size)
    }
}
