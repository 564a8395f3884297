/// A box as COCO writes it: its left upper corner and its size in pixels, corners of areas.
package struct DetectionBox: Equatable, Sendable {
    package var x: Double
    package var y: Double
    package var width: Double
    package var height: Double

    package init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    package var area: Double { width * height }

    /// x1, y1, x2, y2, not clipped to the picture.
    package var corners: [Float] { [Float(x), Float(y), Float(x + width), Float(y + height)] }
}
