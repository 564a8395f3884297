import SelfPatchData
import SelfPatchFormats
import SelfPatchTensors

/// The picture by which a person judges patch features: each image beside the first three principal components of its
/// patches, and beside the similarity of one chosen patch to all others, for one network or more.
package struct FeatureSheet {
    /// An image, and the patch whose likes are looked for.
    package struct Subject {
        package let image: Pixels
        /// A patch of the grid, counted row by row; nil is the one in the middle.
        package let chosen: Int?

        package init(_ image: Pixels, chosen: Int? = nil) {
            self.image = image
            self.chosen = chosen
        }
    }

    /// Words for a network ("before", "after"), and what takes its features.
    package typealias Column = (name: String, extractor: FeatureExtractor)

    package let title: String
    package let subjects: [Subject]
    package let columns: [Column]
    /// What goes through the networks: the middle of each image, resized to this.
    package let view: ViewSize

    package init(title: String, subjects: [Subject], columns: [Column], view: ViewSize) {
        precondition(!subjects.isEmpty && !columns.isEmpty, "a sheet without images or networks")
        self.title = title
        self.subjects = subjects
        self.columns = columns
        self.view = view
    }

    /// Takes the features and draws everything.
    package func picture() throws -> Picture {
        let center = CenterView(view)
        let scratch = ViewScratch()
        let planes = subjects.map { center.planes(of: $0.image, scratch: scratch) }
        let shown = subjects.map { center.picture(of: $0.image, scratch: scratch) }
        var components: [[Pixels]] = []
        var similarities: [[PatchSimilarity]] = []
        var grid = Grid(rows: 1, columns: 1)
        for column in columns {
            let (features, found) = try column.extractor.patches(ofPlanes: planes, size: view)
            grid = found
            components.append(PrincipalComponents.pictures(of: features, grid: grid))
            similarities.append(
                subjects.enumerated().map { index, subject in
                    PatchSimilarity(
                        features: features.selected(index, dimension: 0), grid: found,
                        chosen: subject.chosen ?? (found.rows / 2 * found.columns + found.columns / 2))
                })
        }
        let rows = subjects.indices.map { index -> [ContactSheet.Tile?] in
            let mark = box(of: similarities[0][index].chosen, grid: grid)
            return [ContactSheet.Tile(shown[index], mark: mark)]
                + components.map { ContactSheet.Tile($0[index]) }
                + similarities.map { column in
                    let range = column[index].range
                    let caption = "\(Self.hundredths(range.lowerBound)) to \(Self.hundredths(range.upperBound))"
                    return ContactSheet.Tile(column[index].heatMap, caption: caption)
                }
        }
        let headings =
            ["image and\nchosen patch"] + columns.map { "components\n\($0.name)" }
            + columns.map { "like the chosen\n\($0.name)" }
        // Many images stand two in a row, so that the sheet fits a screen.
        guard rows.count > 6 else {
            return ContactSheet(title: title, headings: headings, rows: rows, tileSide: tileSide).picture()
        }
        let pairs = stride(from: 0, to: rows.count, by: 2).map { first in
            rows[first] + (first + 1 < rows.count ? rows[first + 1] : [])
        }
        return ContactSheet(
            title: title, headings: headings + headings, rows: pairs, tileSide: tileSide
        ).picture()
    }

    /// Large enough to be looked at, and a whole multiple of the view.
    private var tileSide: Int {
        let side = max(view.height, view.width)
        return side * max(1, (143 + side) / side)
    }

    private func box(of patch: Int, grid: Grid) -> (rows: Range<Int>, columns: Range<Int>) {
        let (height, width) = (view.height / grid.rows, view.width / grid.columns)
        let (row, column) = (patch / grid.columns, patch % grid.columns)
        return (row * height..<(row + 1) * height, column * width..<(column + 1) * width)
    }

    private static func hundredths(_ value: Float) -> String {
        let whole = Int((value * 100).rounded())
        let digits = String(abs(whole) % 100)
        return (whole < 0 ? "-" : "") + "\(abs(whole) / 100)." + (digits.count == 1 ? "0" : "") + digits
    }
}
