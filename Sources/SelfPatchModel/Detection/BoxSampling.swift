import SelfPatchTensors

/// Which boxes take part in a step: at most a share with objects, the rest background, drawn without replacement.
///
/// Source: `RandomSampler` of mmdetection.
package struct BoxSampling: Sendable {
    /// Boxes of a picture; nil takes all.
    package let count: Int?
    /// Of these, at most this share with objects.
    package let positiveShare: Double

    package init(count: Int?, positiveShare: Double) {
        self.count = count
        self.positiveShare = positiveShare
    }

    /// Indices of boxes, ascending.
    package struct Sample: Equatable, Sendable {
        package let positives: [Int]
        package let negatives: [Int]
    }

    package func callAsFunction(_ parts: [BoxAssignment.Part], _ generator: inout KeyedGenerator) -> Sample {
        var positives: [Int] = []
        var negatives: [Int] = []
        for (index, part) in parts.enumerated() {
            switch part {
            case .object: positives.append(index)
            case .background: negatives.append(index)
            case .leftOut: break
            }
        }
        guard let count else { return Sample(positives: positives, negatives: negatives) }
        let chosen = Self.draw(Int(Double(count) * positiveShare), of: positives, &generator)
        return Sample(positives: chosen, negatives: Self.draw(count - chosen.count, of: negatives, &generator))
    }

    /// So many of them at most, each set equally likely, in their order: the first steps of a Fisher-Yates shuffle.
    private static func draw(_ count: Int, of indices: [Int], _ generator: inout KeyedGenerator) -> [Int] {
        guard indices.count > count else { return indices }
        var indices = indices
        for place in 0..<count { indices.swapAt(place, place + generator.integer(below: indices.count - place)) }
        return indices.prefix(count).sorted()
    }
}
