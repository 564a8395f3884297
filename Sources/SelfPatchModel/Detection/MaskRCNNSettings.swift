import SelfPatchFormats

/// How a backbone becomes a detector.
package struct MaskRCNNSettings: Codable, Equatable, Sendable {
    /// Blocks whose tokens the pyramid stands on, counted from 1; `[0]`: a third, a half, two thirds and all of the depth.
    package var blocks = [0]
    /// Heads of attention in the backbone; 0: as many as it was trained with. The authors' detection code has 8 on a backbone that
    /// was trained with 6, which fits and attends otherwise.
    package var heads = 0
    /// Patches of a square within which blocks attend that the pyramid does not stand on; 0: to the whole picture.
    package var window = 0
    /// Channels of the pyramid.
    package var channels = 256
    /// Width of the box head's layers.
    package var hiddenWidth = 1024
    /// Whether there is a mask head.
    package var masks = true
    /// One box and one mask a region, for whatever class, instead of one for each.
    package var classAgnostic = false
    /// Leaves the backbone as it is.
    package var isFrozen = false
    /// Drop path's rate in the last block.
    package var dropPath = 0.05
    /// Boxes that training looks at closely.
    package var trainingProposals = ProposalSelection(before: 2000, after: 1000)
    /// The same in use.
    package var proposals = ProposalSelection(before: 1000, after: 1000)
    /// Anchors of a picture that a step learns from, half of them on objects at most; 0: all.
    package var anchors = 256
    /// Regions of a picture that a step learns from, a quarter of them with objects at most; 0: all.
    package var regions = 512
    package var detections = DetectionSelection()

    package init() {}

    /// The blocks (from 1) for a backbone of some depth.
    package func blocks(depth: Int) -> [Int] {
        blocks == [0] ? [4, 6, 8, 12].map { max(1, ($0 * depth + 6) / 12) } : blocks
    }

    var anchorSampling: BoxSampling { BoxSampling(count: anchors > 0 ? anchors : nil, positiveShare: 0.5) }
    var regionSampling: BoxSampling { BoxSampling(count: regions > 0 ? regions : nil, positiveShare: 0.25) }

    /// Refuses what a backbone cannot give.
    package func validate(_ architecture: Architecture) throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError("model.\(sentence)", kind: .usage) }
        }
        let (blocks, wanted) = (blocks(depth: architecture.depth), FeaturePyramid.strides.count)
        try require(
            blocks.allSatisfy { 1...architecture.depth ~= $0 },
            "blocks is \(blocks); the network has \(architecture.depth), counted from 1.")
        try require(
            blocks.count == wanted && blocks == blocks.sorted(),
            "blocks is \(blocks); name \(wanted) in ascending order, one for each level of the pyramid.")
        try require(
            heads >= 0 && (heads == 0 || architecture.width % heads == 0),
            "heads is \(heads); 0 takes the \(architecture.heads) of the weights, another number has to divide their width, "
                + "\(architecture.width).")
        try require(
            window == 0 || (1...1_024 ~= window && architecture.prefixCount == 0),
            "window is \(window); it is 0, or a number of patches where the backbone has no class token or registers.")
        for (name, value) in [("channels", channels), ("hiddenWidth", hiddenWidth)] {
            try require(1...65_536 ~= value, "\(name) is \(value); it lies between 1 and 65,536.")
        }
        for (name, value) in [
            ("trainingProposals.before", trainingProposals.before),
            ("trainingProposals.after", trainingProposals.after),
            ("proposals.before", proposals.before), ("proposals.after", proposals.after),
            ("detections.most", detections.most),
        ] {
            try require(1...1_000_000 ~= value, "\(name) is \(value); it lies between 1 and 1,000,000.")
        }
        for (name, value) in [("anchors", anchors), ("regions", regions)] {
            try require(0...1_000_000 ~= value, "\(name) is \(value); 0 takes all.")
        }
        for (name, value) in [
            ("trainingProposals.overlap", trainingProposals.overlap), ("proposals.overlap", proposals.overlap),
            ("detections.overlap", detections.overlap), ("detections.score", Double(detections.score)),
        ] {
            try require(0...1 ~= value, "\(name) is \(value); it is a share.")
        }
        try require(0..<1 ~= dropPath, "dropPath is \(dropPath); it is a share below 1.")
    }
}
