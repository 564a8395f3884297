import SelfPatchTensors

/// How a table of positions is resized for a grid that it was not made for. Trained weights know the rule of the program that
/// trained them, and give other features with another.
///
/// All are bicubic and treat rows and columns one after the other: entry i of the result lies at (i + 0.5) r - 0.5 of the table.
public enum PositionRule: String, Codable, CaseIterable, Sendable {
    /// r = n / (m + 0.1) from n to m entries, for the scale factors of the reference are (m + 0.1) / n.
    ///
    /// Source: `interpolate_pos_encoding` in SelfPatch's and DINO's vision_transformer.py.
    case scalePlusTenth = "scale-plus-0.1"
    /// r = n / m. Source: the same function in Hugging Face's ViT and DINOv2, from 4.46 on.
    case bicubicSize = "bicubic-size"
    /// r = n / m, smoothed where the table shrinks. Source: `resample_abs_pos_embed` in timm.
    case antialiasedSize = "antialiased-size"

    /// Whether a table is used as it is for views of its own grid.
    ///
    /// The reference asks for views of equal sides, in pixels, and resizes its table even where the grid is the table's own
    /// otherwise: 224 x 230 pixels at patch 16 give other positions than 224 x 224. It has square tables only; where ours is
    /// not square the question makes no sense.
    func keeps(_ table: Grid, for grid: Grid, viewIsSquare: Bool) -> Bool {
        guard grid == table else { return false }
        return self != .scalePlusTenth || viewIsSquare || table.rows != table.columns
    }

    /// The matrix `[output, input]` that resizes one axis.
    package func resizing(from input: Int, to output: Int) -> Tensor {
        let step = Double(input) / (Double(output) + (self == .scalePlusTenth ? 0.1 : 0))
        var matrix: [Double] = []
        matrix.reserveCapacity(output * input)
        for y in 0..<output {
            let position = (Double(y) + 0.5) * step - 0.5
            matrix += self == .antialiasedSize ? smoothed(position, step, input) : interpolated(position, input)
        }
        return Tensor(matrix.map(Float.init), shape: [output, input])
    }

    /// Four taps; beyond the border the outermost entry is repeated.
    private func interpolated(_ position: Double, _ input: Int) -> [Double] {
        var row = [Double](repeating: 0, count: input)
        let first = Int(position.rounded(.down)) - 1
        for tap in first..<first + 4 {
            row[min(max(tap, 0), input - 1)] += Self.cubic(Double(tap) - position, sharpness: -0.75)
        }
        return row
    }

    /// A kernel as wide as the step, if that is above 1; what falls beyond the border is left out, the rest sums to 1.
    private func smoothed(_ position: Double, _ step: Double, _ input: Int) -> [Double] {
        let row = (0..<input).map { Self.cubic((Double($0) - position) / max(step, 1), sharpness: -0.5) }
        let sum = row.reduce(0, +)
        return row.map { $0 / sum }
    }

    /// Keys' cubic convolution.
    private static func cubic(_ distance: Double, sharpness a: Double) -> Double {
        let u = abs(distance)
        if u <= 1 { return ((a + 2) * u - (a + 3)) * u * u + 1 }
        return u < 2 ? ((a * u - 5 * a) * u + 8 * a) * u - 4 * a : 0
    }
}
