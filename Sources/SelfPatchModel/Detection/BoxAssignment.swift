import SelfPatchTensors

/// Which object each box should learn to be.
///
/// A box whose best overlap with an object is below `negative` is background; at `positive` or above it belongs to that
/// object, the first of several; in between it is left out. Then every object whose own best overlap is at least `low` gets
/// all boxes that have exactly that overlap, objects in order, also away from others: so no object goes without.
///
/// Source: Ren et al. 2015; `MaxIoUAssigner` of mmdetection.
package struct BoxAssignment: Equatable, Sendable {
    let positive: Float
    let negative: Float
    let low: Float

    package init(positive: Float, negative: Float, low: Float) {
        (self.positive, self.negative, self.low) = (positive, negative, low)
    }

    /// Of anchors.
    package static let anchors = BoxAssignment(positive: 0.7, negative: 0.3, low: 0.3)
    /// Of proposals.
    package static let proposals = BoxAssignment(positive: 0.5, negative: 0.5, low: 0.5)

    package enum Part: Equatable, Sendable {
        case leftOut, background
        /// By its place among the objects.
        case object(Int)
    }

    /// The part of each box.
    package func callAsFunction(_ boxes: [Box], objects: [Box]) -> [Part] {
        guard !objects.isEmpty else { return Array(repeating: .background, count: boxes.count) }
        var best = [Float](repeating: -1, count: boxes.count)
        var bestObject = [Int](repeating: 0, count: boxes.count)
        var bestOfObject = [Float](repeating: -1, count: objects.count)
        for (number, object) in objects.enumerated() {
            var most: Float = -1
            for index in boxes.indices {
                let overlap = object.overlap(boxes[index])
                if overlap > best[index] { (best[index], bestObject[index]) = (overlap, number) }
                most = max(most, overlap)
            }
            bestOfObject[number] = most
        }
        var parts = boxes.indices.map { index -> Part in
            if best[index] >= positive { return .object(bestObject[index]) }
            return best[index] < negative && best[index] >= 0 ? .background : .leftOut
        }
        for (number, object) in objects.enumerated() where bestOfObject[number] >= low {
            // An overlap computed twice is the same number, so the table need not be kept.
            for index in boxes.indices
            where best[index] >= bestOfObject[number] && object.overlap(boxes[index]) == bestOfObject[number] {
                parts[index] = .object(number)
            }
        }
        return parts
    }
}
