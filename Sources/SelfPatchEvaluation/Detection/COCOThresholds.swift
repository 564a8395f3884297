/// What COCO's score is taken over: overlaps, recalls, sizes of objects, numbers of detections.
package enum COCOThresholds {
    /// 0.50, 0.55 ... 0.95, to the bit as numpy's `linspace` makes them.
    package static let overlaps: [Double] = evenly(from: 0.5, to: 0.95, count: 10)
    /// 0, 0.01 ... 1; 7 times 0.01 is a little more than 0.07, which decides where 7 of 100 objects are found.
    package static let recalls: [Double] = evenly(from: 0, to: 1, count: 101)
    /// Detections that count, of each class in each image; the last figure is also what matching looks at.
    package static let detections = [1, 10, 100]

    /// Areas of objects in pixels, both ends included.
    package enum Size: Int, CaseIterable, Sendable {
        case all, small, medium, large

        package var range: ClosedRange<Double> {
            switch self {
            case .all: 0...1e10
            case .small: 0...1_024
            case .medium: 1_024...9_216
            case .large: 9_216...1e10
            }
        }
    }

    private static func evenly(from first: Double, to last: Double, count: Int) -> [Double] {
        let step = (last - first) / Double(count - 1)
        return (0..<count).map { $0 == count - 1 ? last : first + Double($0) * step }
    }
}
