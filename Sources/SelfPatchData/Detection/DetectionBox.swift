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

    /// As a file lists it; nil where that is not four numbers of pixels.
    init?(_ numbers: [Double]) {
        guard numbers.count == 4, numbers.allSatisfy({ abs($0) <= Self.farthest }) else { return nil }
        self.init(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
    }

    /// What coordinates are held to, in pixels either way: beyond it they are damage, and no 32-bit number in COCO's own code.
    static let farthest = 1e8

    package var area: Double { width * height }
}
