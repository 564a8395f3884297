import Foundation
import SelfPatchTensors

/// A rectangle of an image, in pixels.
package struct CropBox: Hashable, Sendable {
    package var top: Int
    package var left: Int
    package var height: Int
    package var width: Int

    package init(top: Int, left: Int, height: Int, width: Int) {
        self.top = top
        self.left = left
        self.height = height
        self.width = width
    }
}

/// Draws what a view is cut from: a share of the area, a shape, then a place.
struct RandomCrop {
    /// Share of the image's area.
    let scale: ClosedRange<Double>
    /// Width over height.
    let aspect: ClosedRange<Double>

    private static let attempts = 10

    func box(height: Int, width: Int, _ generator: inout KeyedGenerator) -> CropBox {
        let logAspect = log(aspect.lowerBound)...log(aspect.upperBound)
        for _ in 0..<Self.attempts {
            let area = Double(height) * Double(width) * generator.uniform(in: scale)
            let ratio = exp(generator.uniform(in: logAspect))
            let boxWidth = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
            let boxHeight = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
            guard boxWidth > 0, boxWidth <= width, boxHeight > 0, boxHeight <= height else { continue }
            let top = generator.integer(below: height - boxHeight + 1)
            let left = generator.integer(below: width - boxWidth + 1)
            return CropBox(top: top, left: left, height: boxHeight, width: boxWidth)
        }
        return centered(height: height, width: width)
    }

    /// The largest rectangle in the middle whose shape is allowed.
    private func centered(height: Int, width: Int) -> CropBox {
        let shape = Double(width) / Double(height)
        var box = CropBox(top: 0, left: 0, height: height, width: width)
        if shape < aspect.lowerBound {
            box.height = Int((Double(width) / aspect.lowerBound).rounded(.toNearestOrEven))
        } else if shape > aspect.upperBound {
            box.width = Int((Double(height) * aspect.upperBound).rounded(.toNearestOrEven))
        }
        box.height = min(max(box.height, 1), height)
        box.width = min(max(box.width, 1), width)
        box.top = (height - box.height) / 2
        box.left = (width - box.width) / 2
        return box
    }
}
