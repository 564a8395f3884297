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
        var candidates: [Proposal] = []
        var levels: [Int] = []
        for level in logits.indices {
            let (scores, order) = logits[level].detached().sigmoid().highest(before)
            let shifts = deltas[level].detached().rows(order).deltas()
            for (score, (number, shift)) in zip(scores.floats(), zip(order.integers(), shifts)) {
                let anchor = anchors.anchor(number, level: level)
                let box = BoxCoder.proposals.decode(shift, from: anchor)
                    .clipped(height: Float(height), width: Float(width))
                guard box.width > 0, box.height > 0 else { continue }
                candidates.append(Proposal(box: box, score: score))
                levels.append(level)
            }
        }
        let kept = Tensor.nonMaximumSuppression(
            boxes: Tensor(candidates.map(\.box)), scores: Tensor(candidates.map(\.score), shape: [candidates.count]),
            groups: Tensor(levels, shape: [levels.count]), overlap: overlap)
        return kept.integers().prefix(after).map { candidates[$0] }
    }
}
