import SelfPatchFormats
import SelfPatchTensors

/// Which anchors, moved to where the network wants them, are worth a closer look.
///
/// Each map gives its highest scores; boxes without area go, then of boxes of one map that overlap too much all but the best,
/// and the best of all maps are left. No gradient flows through this.
///
/// Source: `RPNHead._get_bboxes_single` of mmdetection.
package struct ProposalSelection: Codable, Equatable, Sendable {
    /// Of each map.
    package var before: Int
    /// Of all maps.
    package var after: Int
    /// More than this overlap with a better box of the same map drops a box.
    package var overlap = 0.7

    package init(before: Int, after: Int) { (self.before, self.after) = (before, after) }

    package struct Proposal: Equatable, Sendable {
        package let box: Box
        /// In 0...1.
        package let score: Float
    }

    /// - Parameters:
    ///   - logits: of one picture, for each map `[anchors]`.
    ///   - deltas: alike, `[anchors, 4]`.
    ///   - height: of the picture in pixels, not padded; boxes are cut off there.
    ///   - width: alike.
    /// - Returns: the best first.
    package func callAsFunction(
        logits: [Tensor], deltas: [Tensor], anchors: AnchorGrid, height: Int, width: Int
    ) -> [Proposal] {
        let best = logits.map { $0.detached().sigmoid().highest(before) }
        // Joined over the maps, so that a GPU is waited for three times and not for each map.
        let scores = Tensor.concatenated(best.map(\.values)).floats()
        let numbers = Tensor.concatenated(best.map(\.indices)).integers()
        let shifts = Tensor.concatenated(zip(deltas, best).map { $0.detached().rows($1.indices) }).deltas()
        let origins = best.indices.flatMap { Array(repeating: $0, count: best[$0].indices.count) }
        var candidates: [Proposal] = []
        var levels: [Int] = []
        for (place, level) in origins.enumerated() {
            let box = BoxCoder.proposals.decode(shifts[place], from: anchors.anchor(numbers[place], level: level))
                .clipped(height: Float(height), width: Float(width))
            guard box.width > 0, box.height > 0 else { continue }
            candidates.append(Proposal(box: box, score: scores[place]))
            levels.append(level)
        }
        let kept = Tensor.nonMaximumSuppression(
            boxes: Tensor(candidates.map(\.box)), scores: Tensor(candidates.map(\.score), shape: [candidates.count]),
            groups: Tensor(levels, shape: [levels.count]), overlap: overlap)
        return kept.integers().prefix(after).map { candidates[$0] }
    }
}
