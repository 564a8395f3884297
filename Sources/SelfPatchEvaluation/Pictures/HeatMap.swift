import SelfPatchData
import SelfPatchTensors

/// Numbers on a grid of patches as colours: black over purple and orange to pale yellow.
package enum HeatMap {
    /// - Parameters:
    ///   - values: one a patch, row by row.
    ///   - range: what is drawn in the first and in the last colour; values beyond take these colours.
    package static func pixels(_ values: [Float], grid: Grid, range: ClosedRange<Float>) -> Pixels {
        precondition(values.count == grid.count, "\(values.count) values for a grid of \(grid.rows) x \(grid.columns)")
        let span = max(range.upperBound - range.lowerBound, .leastNormalMagnitude)
        let bytes = values.flatMap { value -> [UInt8] in
            let color = color(at: (value - range.lowerBound) / span)
            return [color.red, color.green, color.blue]
        }
        return Pixels(height: grid.rows, width: grid.columns, channels: 3, bytes: bytes)
    }

    /// The colour for a share of the range, 0 ... 1; darker is always lower.
    package static func color(at share: Float) -> PictureColor {
        let position = min(max(share.isFinite ? share : 0, 0), 1) * Float(stops.count - 1)
        let lower = min(Int(position), stops.count - 2)
        let t = position - Float(lower)
        func blend(_ channel: (SIMD3<Float>) -> Float) -> UInt8 {
            UInt8(channel(stops[lower]) + (channel(stops[lower + 1]) - channel(stops[lower])) * t + 0.5)
        }
        return PictureColor(red: blend(\.x), green: blend(\.y), blue: blend(\.z))
    }

    private static let stops: [SIMD3<Float>] = [
        [4, 4, 18], [54, 16, 92], [140, 36, 110], [216, 72, 72], [248, 148, 44], [252, 252, 190],
    ]
}
