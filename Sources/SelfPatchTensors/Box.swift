/// A rectangle in a picture's pixels, by the corners of its area: its width is x2 - x1, without a pixel more.
///
/// All of detection's box arithmetic is float32 without fused operations, in the order that the field's tools have: some of
/// its choices are made by the equality of two overlaps.
package struct Box: Equatable, Hashable, Sendable {
    package var x1: Float
    package var y1: Float
    package var x2: Float
    package var y2: Float

    package init(_ x1: Float, _ y1: Float, _ x2: Float, _ y2: Float) {
        (self.x1, self.y1, self.x2, self.y2) = (x1, y1, x2, y2)
    }

    package var width: Float { x2 - x1 }
    package var height: Float { y2 - y1 }
    package var area: Float { width * height }

    /// What of it lies in a picture of this size; a box beside the picture becomes one without area on its border.
    package func clipped(height: Float, width: Float) -> Box {
        Box(
            min(max(x1, 0), width), min(max(y1, 0), height), min(max(x2, 0), width), min(max(y2, 0), height))
    }

    package func scaled(x: Float, y: Float) -> Box { Box(x1 * x, y1 * y, x2 * x, y2 * y) }

    /// Intersection over union, its denominator at least 1e-6. Source: `bbox_overlaps` of mmdetection.
    @inline(__always)
    package func overlap(_ other: Box) -> Float {
        let width = max(min(x2, other.x2) - max(x1, other.x1), 0)
        let height = max(min(y2, other.y2) - max(y1, other.y1), 0)
        let intersection = width * height
        return intersection / max(area + other.area - intersection, 1e-6)
    }
}

extension Tensor {
    /// Boxes as `[boxes, 4]`, float32: x1, y1, x2, y2.
    package convenience init(_ boxes: [Box]) {
        self.init(boxes.flatMap { [$0.x1, $0.y1, $0.x2, $0.y2] }, shape: [boxes.count, 4])
    }

    /// `[boxes, 4]` as boxes.
    package func boxes() -> [Box] {
        precondition(rank == 2 && size(1) == 4, "boxes of shape \(shape)")
        let numbers = floats()
        return stride(from: 0, to: numbers.count, by: 4).map {
            Box(numbers[$0], numbers[$0 + 1], numbers[$0 + 2], numbers[$0 + 3])
        }
    }
}
