import SelfPatchData

/// Pictures in rows and columns with small captions: a title, a heading above each column, a name beside each row.
package struct ContactSheet {
    /// One cell: a picture, what is drawn around a part of it, and words below it.
    package struct Tile: Sendable {
        package let pixels: Pixels
        /// Rows and columns (of `pixels`) to put a box around.
        package let mark: (rows: Range<Int>, columns: Range<Int>)?
        package let caption: String

        package init(_ pixels: Pixels, mark: (rows: Range<Int>, columns: Range<Int>)? = nil, caption: String = "") {
            self.pixels = pixels
            self.mark = mark
            self.caption = caption
        }
    }

    package var title: String
    /// Words above the columns; fewer than there are columns, or none, leave the rest empty.
    package var headings: [String]
    /// Rows of tiles; `nil` leaves a place empty.
    package var rows: [[Tile?]]
    /// Shown side of a tile in pixels: tiles are enlarged by the whole number that comes nearest below it.
    package var tileSide: Int

    package init(title: String, headings: [String] = [], rows: [[Tile?]], tileSide: Int = 128) {
        self.title = title
        self.headings = headings
        self.rows = rows
        self.tileSide = tileSide
    }

    /// Lays the sheet out and draws it.
    package func picture() -> Picture {
        let gap = 8
        let line = BitmapFont.height + 3
        let columnCount = max(rows.map(\.count).max() ?? 0, 1)
        let hasCaptions = rows.joined().contains { !($0?.caption.isEmpty ?? true) }
        let cellHeight = tileSide + gap + (hasCaptions ? line : 0)
        let titleLines = title.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let titleHeight = title.isEmpty ? 0 : titleLines.count * 2 * line + gap
        let headingLines = headings.map { $0.split(separator: "\n").map(String.init) }
        let headingHeight = (headingLines.map(\.count).max() ?? 0) * line
        let longestTitle = titleLines.map(\.count).max() ?? 0
        let width = max(
            gap + columnCount * (tileSide + gap), 2 * gap + longestTitle * 2 * BitmapFont.advance)
        var picture = Picture(height: titleHeight + headingHeight + gap + max(rows.count, 1) * cellHeight, width: width)
        for (index, text) in titleLines.enumerated() where !title.isEmpty {
            picture.write(text, row: gap + index * 2 * line, column: gap, scale: 2)
        }
        for (column, lines) in headingLines.enumerated() {
            for (index, text) in lines.enumerated() {
                picture.write(
                    text, row: titleHeight + gap / 2 + index * line, column: gap + column * (tileSide + gap))
            }
        }
        for (row, tiles) in rows.enumerated() {
            for (column, tile) in tiles.enumerated() {
                guard let tile else { continue }
                draw(
                    tile, in: &picture, row: titleHeight + headingHeight + gap + row * cellHeight,
                    column: gap + column * (tileSide + gap))
            }
        }
        return picture
    }

    private func draw(_ tile: Tile, in picture: inout Picture, row: Int, column: Int) {
        let scale = max(1, tileSide / max(tile.pixels.height, tile.pixels.width))
        let top = row + (tileSide - tile.pixels.height * scale) / 2
        let left = column + (tileSide - tile.pixels.width * scale) / 2
        picture.draw(tile.pixels, row: top, column: left, scale: scale)
        if let mark = tile.mark {
            let rows = (top + mark.rows.lowerBound * scale)..<(top + mark.rows.upperBound * scale)
            let columns = (left + mark.columns.lowerBound * scale)..<(left + mark.columns.upperBound * scale)
            picture.frame(rows: rows, columns: columns, thickness: 2, color: .black)
            picture.frame(rows: rows, columns: columns, thickness: 1, color: .white)
        }
        picture.write(tile.caption, row: row + tileSide + 2, column: column)
    }
}
