import SelfPatchLayers
import SelfPatchTensors

/// What is added to a token for its place: a learned table for the global view's grid, resized for every other grid.
///
/// Resizing is bicubic without antialiasing, and samples at the positions that the authors' scale factors (r + 0.1)/R and
/// (c + 0.1)/C give: their 0.1 keeps the output's size right and moves the positions a little, and trained weights know it.
/// A table is used as it is wherever the grid is its own.
///
/// Source: `interpolate_pos_encoding` in the authors' and DINO's vision_transformer.py.
public struct PositionTable: Parameterized {
    /// `[1, rows * columns, width]`
    public let weight: Tensor
    public let grid: Grid

    public init(_ architecture: Architecture, _ initializer: Initializer) {
        grid = architecture.positionGrid
        weight = initializer.normal([1, grid.count, architecture.width])
    }

    /// The table for another grid, `[1, patches, width]`; gradients flow back through the resizing.
    public func resized(to other: Grid) -> Tensor {
        guard other != grid else { return weight }
        let width = weight.size(2)
        let rows = Self.resizing(from: grid.rows, to: other.rows).moved(to: weight.device)
        let columns = Self.resizing(from: grid.columns, to: other.columns).moved(to: weight.device)
        let tall = rows.matmul(weight.reshaped([grid.rows, grid.columns * width]))
        return columns.matmul(tall.reshaped([other.rows, grid.columns, width]))
            .reshaped([1, other.count, width])
    }

    public var parameters: [NamedTensor] { [NamedTensor("pos_embed", weight)] }

    /// The matrix `[output, input]` that resizes one axis.
    static func resizing(from input: Int, to output: Int) -> Tensor {
        var matrix = [Double](repeating: 0, count: output * input)
        for y in 0..<output {
            let position = (Double(y) + 0.5) * Double(input) / (Double(output) + 0.1) - 0.5
            let first = position.rounded(.down)
            let t = position - first
            for (tap, weight) in [far(1 + t), near(t), near(1 - t), far(2 - t)].enumerated() {
                let source = min(max(Int(first) - 1 + tap, 0), input - 1)
                matrix[y * input + source] += weight
            }
        }
        return Tensor.from(matrix.map(Float.init), shape: [output, input])
    }

    /// Keys' cubic convolution with a = -0.75, for distances below 1 and from 1 to 2.
    private static func near(_ u: Double) -> Double { ((a + 2) * u - (a + 3)) * u * u + 1 }
    private static func far(_ u: Double) -> Double { ((a * u - 5 * a) * u + 8 * a) * u - 4 * a }
    private static let a = -0.75
}
