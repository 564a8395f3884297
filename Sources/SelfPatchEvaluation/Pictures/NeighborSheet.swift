import Foundation
import SelfPatchData
import SelfPatchModel
import SelfPatchTensors

/// A view, enlarged, with a few of its patches and the neighbours that positive matching chooses for them.
package struct NeighborSheet {
    /// A patch and its positives, the most similar first.
    package struct Choice: Equatable, Sendable {
        package let patch: Int
        package let positives: [Int]
        /// The cosine of each positive with the patch.
        package let cosines: [Float]
    }

    /// The view as a picture.
    package let view: Pixels
    package let grid: Grid
    package let patchSize: Int
    package let choices: [Choice]

    /// - Parameters:
    ///   - planes: the view's bytes, `[channels, height, width]`.
    ///   - network: the one that matches, a teacher.
    ///   - settings: window, border and number of positives.
    ///   - key: which patches are shown depends on it.
    package init(
        planes: [UInt8], size: ViewSize, network: Network, normalization: ViewNormalization,
        settings: ObjectiveSettings, key: SampleKey
    ) {
        view = Pixels(planes: planes, size: size)
        patchSize = network.architecture.patchSize
        let grid = Grid(height: size.height, width: size.width, patchSize: patchSize)
        self.grid = grid
        let window = NeighborWindow(side: settings.window, border: settings.border, grid: grid)
        let matching = PositiveMatching(
            window: window, positiveCount: settings.positiveCount, device: network.device)
        let bytes = Tensor(planes, shape: [1, view.channels, size.height, size.width]).moved(to: network.device)
        let tokens = network.features(of: normalization(bytes)).patches
        let cosines = matching.similarities(of: tokens).moved(to: .cpu).floats()
        choices = Self.spread(over: grid, apart: settings.window, key: key).map { patch in
            let near = window.candidates[patch]
            let row = cosines[patch * window.width..<patch * window.width + near.count]
            // Of equally similar ones the patch with the lower number wins, as in training.
            let order = near.indices.sorted { (-row[row.startIndex + $0], $0) < (-row[row.startIndex + $1], $1) }
            let chosen = order.prefix(settings.positiveCount)
            return Choice(
                patch: patch, positives: chosen.map { near[$0] }, cosines: chosen.map { row[row.startIndex + $0] })
        }
    }

    /// One patch from each of six parts of the grid, two by three; those whose windows would meet are left out.
    private static func spread(over grid: Grid, apart: Int, key: SampleKey) -> [Int] {
        var generator = KeyedGenerator(0x6e65_6172, key.seed, UInt64(key.epoch), UInt64(key.index))
        func place(_ part: Int, of parts: Int, _ count: Int) -> Int {
            let room = max(1, count / parts)
            return min(part * count / parts + Int(generator.uniform() * Double(room)), count - 1)
        }
        var patches: [(row: Int, column: Int)] = []
        for part in 0..<6 {
            let patch = (row: place(part / 3, of: 2, grid.rows), column: place(part % 3, of: 3, grid.columns))
            let isFree = patches.allSatisfy {
                abs($0.row - patch.row) >= apart || abs($0.column - patch.column) >= apart
            }
            if isFree { patches.append(patch) }
        }
        return patches.map { $0.row * grid.columns + $0.column }
    }

    private static let gap = 10
    private static let line = BitmapFont.height + 2
    /// Side that the view is enlarged to, by the whole number that comes nearest below it.
    private static let side = 460

    package func picture() -> Picture {
        let scale = max(1, Self.side / max(view.height, view.width))
        let longest = choices.map { caption($0).count }.max() ?? 0
        var picture = Picture(
            height: view.height * scale + choices.count * Self.line + 3 * Self.gap,
            width: max(view.width * scale, longest * BitmapFont.advance) + 2 * Self.gap)
        picture.draw(view, row: Self.gap, column: Self.gap, scale: scale)
        for (index, choice) in choices.enumerated() {
            let color = ViewSheet.colors[index % ViewSheet.colors.count]
            for positive in choice.positives { frame(positive, thickness: 1, color, scale, in: &picture) }
            frame(choice.patch, thickness: 3, color, scale, in: &picture)
            picture.write(
                caption(choice), row: view.height * scale + 2 * Self.gap + index * Self.line, column: Self.gap,
                color: color)
        }
        return picture
    }

    /// A frame inside a patch, so that neighbours' frames do not cover each other.
    private func frame(_ patch: Int, thickness: Int, _ color: PictureColor, _ scale: Int, in picture: inout Picture) {
        let side = patchSize * scale
        let inner = max(1, side - 2 * thickness)
        let top = Self.gap + patch / grid.columns * side + thickness
        let left = Self.gap + patch % grid.columns * side + thickness
        picture.frame(rows: top..<top + inner, columns: left..<left + inner, thickness: thickness, color: color)
    }

    private func caption(_ choice: Choice) -> String {
        let place = "row \(choice.patch / grid.columns + 1), column \(choice.patch % grid.columns + 1)"
        return "\(place): \(choice.cosines.map { String(format: "%.3f", $0) }.joined(separator: " "))"
    }
}

extension Picture {
    /// Pictures one below the other.
    package static func stacked(_ pictures: [Picture]) -> Picture {
        var whole = Picture(
            height: pictures.map(\.height).reduce(0, +), width: pictures.map(\.width).max() ?? 1)
        var row = 0
        for picture in pictures {
            whole.draw(picture.pixels, row: row, column: 0)
            row += picture.height
        }
        return whole
    }

    /// Pictures beside each other, their upper sides on one line.
    package static func beside(_ pictures: [Picture]) -> Picture {
        var whole = Picture(
            height: pictures.map(\.height).max() ?? 1, width: pictures.map(\.width).reduce(0, +))
        var column = 0
        for picture in pictures {
            whole.draw(picture.pixels, row: 0, column: column)
            column += picture.width
        }
        return whole
    }
}
