import SelfPatchTensors

/// The boxes that the region proposal network starts from: three of different shapes around every place of five maps.
///
/// At the place (row, column) of a map with stride s they lie around the point (column s, row s): the first at the picture's
/// corner, without a shift by half a place, and without rounding. Their order is row, column, shape; they may reach over the
/// picture's border.
///
/// Source: `AnchorGenerator` of mmdetection with one scale.
package struct AnchorGrid: Sendable {
    /// Pixels of a step from one place to the next, of each map.
    package static let strides = FeaturePyramid.strides + [64]
    /// Height over width.
    package static let ratios: [Float] = [0.5, 1, 2]
    /// Sides in strides, where height and width are equal.
    private static let scale: Float = 8

    /// Places of each map.
    package let grids: [Grid]
    /// Where each map's anchors begin among all; one more at the end.
    package let starts: [Int]
    /// For each map its three boxes around the origin.
    private let shapes: [[Box]]

    /// - Parameter grids: of the maps, the finest first.
    package init(_ grids: [Grid]) {
        precondition(grids.count == Self.strides.count, "\(grids.count) maps for \(Self.strides.count) strides")
        self.grids = grids
        starts = grids.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count * Self.ratios.count) }
        shapes = Self.strides.map(Self.shapes)
    }

    /// The boxes around the origin for a stride.
    package static func shapes(stride: Int) -> [Box] {
        ratios.map { ratio in
            let root = ratio.squareRoot()
            let (width, height) = (Float(stride) * (1 / root) * scale, Float(stride) * root * scale)
            return Box(-0.5 * width, -0.5 * height, 0.5 * width, 0.5 * height)
        }
    }

    package var count: Int { starts[grids.count] }

    /// An anchor of a map by its number there.
    package func anchor(_ number: Int, level: Int) -> Box {
        let (place, shape) = number.quotientAndRemainder(dividingBy: Self.ratios.count)
        let (row, column) = place.quotientAndRemainder(dividingBy: grids[level].columns)
        return box(row: row, column: column, shape: shape, level: level)
    }

    private func box(row: Int, column: Int, shape: Int, level: Int) -> Box {
        let shape = shapes[level][shape]
        let (x, y) = (Float(column * Self.strides[level]), Float(row * Self.strides[level]))
        return Box(shape.x1 + x, shape.y1 + y, shape.x2 + x, shape.y2 + y)
    }

    /// The anchors of one picture of a batch: those whose place lies within the picture's own padded size.
    ///
    /// - Parameters:
    ///   - height: of the picture, padded to whole cells of the coarsest stride, in pixels.
    ///   - width: alike.
    /// - Returns: the boxes and their numbers among all anchors, ascending.
    package func anchors(height: Int, width: Int) -> (boxes: [Box], numbers: [Int]) {
        var boxes: [Box] = []
        var numbers: [Int] = []
        boxes.reserveCapacity(count)
        numbers.reserveCapacity(count)
        for (level, grid) in grids.enumerated() {
            let stride = Self.strides[level]
            let rows = min(grid.rows, (height + stride - 1) / stride)
            let columns = min(grid.columns, (width + stride - 1) / stride)
            for row in 0..<rows {
                for column in 0..<columns {
                    let first = starts[level] + (row * grid.columns + column) * Self.ratios.count
                    for shape in Self.ratios.indices {
                        boxes.append(box(row: row, column: column, shape: shape, level: level))
                        numbers.append(first + shape)
                    }
                }
            }
        }
        return (boxes, numbers)
    }
}
