/// DAVIS's two measures of one object in one frame, from 0 to 1.
///
/// Source: Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation, CVPR 2016; where the
/// paper leaves a choice, the behaviour of the DAVIS 2017 evaluation code.
package enum MaskMeasures {
    /// J, region similarity: intersection over union; 1 where both are empty.
    ///
    /// - Parameters:
    ///   - result: the object's number at its pixels, `height * width`.
    ///   - truth: as many, in the same order.
    package static func regionSimilarity(_ result: [UInt8], _ truth: [UInt8], object: UInt8) -> Double {
        precondition(result.count == truth.count, "\(result.count) and \(truth.count) pixels")
        var both = 0
        var either = 0
        for (a, b) in zip(result, truth) {
            let (a, b) = (a == object, b == object)
            if a && b { both += 1 }
            if a || b { either += 1 }
        }
        return either == 0 ? 1 : Double(both) / Double(either)
    }

    /// F, contour accuracy: the harmonic mean of the contour's precision and recall.
    ///
    /// A contour pixel is matched when a pixel of the other contour lies within `contourRadius`. Without either contour 1, with
    /// one of them 0; an object that fills the frame has none.
    package static func contourAccuracy(
        _ result: [UInt8], _ truth: [UInt8], object: UInt8, height: Int, width: Int
    ) -> Double {
        let mine = Contour(of: object, in: result, height: height, width: width)
        let theirs = Contour(of: object, in: truth, height: height, width: width)
        if mine.places.isEmpty || theirs.places.isEmpty { return mine.places.isEmpty && theirs.places.isEmpty ? 1 : 0 }
        let radius = contourRadius(height: height, width: width)
        let precision = mine.share(near: theirs.dilated(by: radius))
        let recall = theirs.share(near: mine.dilated(by: radius))
        return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
    }

    /// 0.008 of the diagonal in pixels, rounded up: 8 at 480 x 854.
    package static func contourRadius(height: Int, width: Int) -> Int {
        let diagonal = (Double(height) * Double(height) + Double(width) * Double(width)).squareRoot()
        return Int((0.008 * diagonal).rounded(.up))
    }
}

/// The pixels of a mask that differ from their right, lower, or lower right neighbour.
///
/// In the last row the right neighbour alone is asked, in the last column the lower one; the bottom right corner never counts.
struct Contour {
    let height: Int
    let width: Int
    /// Pixels of the contour, row by row.
    private(set) var places: [Int] = []

    init(of object: UInt8, in map: [UInt8], height: Int, width: Int) {
        precondition(map.count == height * width, "\(map.count) pixels for \(height) x \(width)")
        self.height = height
        self.width = width
        for row in 0..<height {
            for column in 0..<width {
                let place = row * width + column
                let inside = map[place] == object
                let hasRight = column + 1 < width
                let hasLower = row + 1 < height
                if hasRight && (map[place + 1] == object) != inside
                    || hasLower && (map[place + width] == object) != inside
                    || hasRight && hasLower && (map[place + width + 1] == object) != inside
                {
                    places.append(place)
                }
            }
        }
    }

    /// All pixels within the radius of the contour: x² + y² <= r²; nothing comes in from beyond the frame.
    func dilated(by radius: Int) -> [Bool] {
        let reaches = (-radius...radius).map { Int(Double(radius * radius - $0 * $0).squareRoot()) }
        var near = [Bool](repeating: false, count: height * width)
        for place in places {
            let (row, column) = (place / width, place % width)
            for (offset, reach) in zip(-radius...radius, reaches) where 0..<height ~= row + offset {
                let start = (row + offset) * width
                for other in max(0, column - reach)...min(width - 1, column + reach) { near[start + other] = true }
            }
        }
        return near
    }

    /// The share of its pixels at which `near` holds.
    func share(near: [Bool]) -> Double {
        Double(places.count { near[$0] }) / Double(places.count)
    }
}
