import SelfPatchData

/// A confusion matrix as a picture: a row for each true class, a column for each predicted one, a cell's colour its share of
/// the row.
package struct ConfusionPicture {
    package let title: String
    /// In the order of the rows and columns.
    package let names: [String]
    /// Truth against prediction, `names.count` squared, row by row.
    package let counts: [Int]

    package init(title: String, names: [String], counts: [Int]) {
        precondition(counts.count == names.count * names.count, "\(counts.count) counts for \(names.count) classes")
        self.title = title
        self.names = names
        self.counts = counts
    }

    /// With up to 40 classes cells are large enough for their names, with up to 20 for their shares in per cent too; the cells
    /// of more classes shrink, down to two pixels.
    package func picture() -> Picture {
        let count = names.count
        let cell = count <= 20 ? 26 : count <= 40 ? 14 : max(2, 600 / count)
        let isNamed = count <= 40
        let margin = 8
        let shown = names.map { $0.count > 18 ? String($0.prefix(17)) + "." : $0 }
        let nameWidth = isNamed ? (shown.map(\.count).max() ?? 0) * BitmapFont.advance + margin : 0
        let top = 40
        let left = margin + nameWidth
        let right = margin + (isNamed ? 0 : 1)
        let width = max(left + count * cell + right, 2 * margin + title.count * 2 * BitmapFont.advance, 320)
        var picture = Picture(height: top + count * cell + 3 * BitmapFont.height, width: width)
        picture.write(title, row: margin, column: margin, scale: 2)
        if isNamed { writeNumbers(in: &picture, row: top - BitmapFont.height - 2, left: left, cell: cell) }
        for truth in 0..<count {
            let row = counts[truth * count..<(truth + 1) * count]
            let sum = row.reduce(0, +)
            let y = top + truth * cell
            if isNamed {
                picture.write(shown[truth], row: y + (cell - BitmapFont.height) / 2 + 1, column: margin)
            }
            for (guess, value) in row.enumerated() {
                let share = sum == 0 ? 0 : Float(value) / Float(sum)
                let x = left + guess * cell
                let gap = cell > 4 ? 1 : 0
                picture.fill(rows: y..<y + cell - gap, columns: x..<x + cell - gap, with: HeatMap.color(at: share))
                if count <= 20, value > 0 {
                    let text = share < 0.005 ? "<1" : String(Int((100 * share).rounded()))
                    picture.write(
                        text, row: y + (cell - BitmapFont.height) / 2 + 1,
                        column: x + (cell - text.count * BitmapFont.advance) / 2 + 1,
                        color: share > 0.6 ? .black : .white)
                }
            }
        }
        picture.write(
            "rows: truth; columns: prediction" + (count <= 20 ? "; per cent of the row" : ""),
            row: top + count * cell + BitmapFont.height, column: margin)
        return picture
    }

    /// Columns are told by numbers, for names do not fit above them; rows are in the same order.
    private func writeNumbers(in picture: inout Picture, row: Int, left: Int, cell: Int) {
        for number in names.indices {
            let text = String(number + 1)
            picture.write(
                text, row: row, column: left + number * cell + (cell - text.count * BitmapFont.advance) / 2 + 1)
        }
    }
}
