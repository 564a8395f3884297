import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// How a backbone and a dense head are joined.
package struct SegmenterSettings: Codable, Equatable, Sendable {
    package var head = DenseHeadKind.linear
    package var pyramid = FeaturePyramid.Kind.strides
    /// Blocks whose tokens the head stands on, counted from 1; `[0]`: those that suit the head.
    package var blocks = [0]
    /// Channels of the pyramid that Semantic FPN stands on.
    package var pyramidChannels = 256
    /// Channels inside the head; 0: 128 for Semantic FPN, 512 for UPerNet.
    package var channels = 0
    /// Share of the channels that are dropped before the last layer.
    package var dropout = 0.1
    /// Weight of UPerNet's auxiliary loss; 0: none.
    package var auxiliaryWeight = 0.4
    package var auxiliaryChannels = 256
    /// Leaves the backbone as it is and trains the head alone.
    package var isFrozen = true
    /// Drop path's rate in the last block of a backbone that is trained.
    package var dropPath = 0.1

    package init() {}

    /// The blocks (from 1) for a backbone of some depth.
    package func blocks(depth: Int) -> [Int] {
        if blocks != [0] { return blocks }
        // In twelfths of the depth.
        let shares =
            switch head {
            case .linear: [12]
            case .semanticFPN: [3, 6, 9, 12]
            case .uperNet: [4, 6, 8, 12]
            }
        return shares.map { max(1, ($0 * depth + 6) / 12) }
    }

    package var headChannels: Int { channels > 0 ? channels : head == .uperNet ? 512 : 128 }

    /// Refuses what a backbone cannot give.
    package func validate(_ architecture: Architecture) throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError("model.\(sentence)", kind: .usage) }
        }
        let blocks = blocks(depth: architecture.depth)
        try require(!blocks.isEmpty, "blocks is empty; 0 takes those that suit the head.")
        try require(
            blocks.allSatisfy { 1...architecture.depth ~= $0 },
            "blocks is \(blocks); the network has \(architecture.depth), counted from 1.")
        try require(blocks == blocks.sorted(), "blocks is \(blocks); name them in ascending order.")
        let wanted = FeaturePyramid.strides.count
        try require(
            head == .linear || blocks.count == wanted,
            "blocks is \(blocks); \(head.rawValue) needs \(wanted), one for each level.")
        for (name, value) in [
            ("pyramidChannels", pyramidChannels), ("channels", headChannels), ("auxiliaryChannels", auxiliaryChannels),
        ] {
            try require(1...65_536 ~= value, "\(name) is \(value); it has to be at least 1.")
        }
        try require(0..<1 ~= dropout, "dropout is \(dropout); it is a share below 1.")
        try require(0..<1 ~= dropPath, "dropPath is \(dropPath); it is a share below 1.")
        try require(auxiliaryWeight >= 0, "auxiliaryWeight is \(auxiliaryWeight); it may not be negative.")
        try require(
            pyramid == .strides || head != .uperNet,
            "pyramid is reference, which is the authors' Semantic FPN; UPerNet stands on strides.")
    }
}

/// A backbone with a head that says which class each pixel belongs to.
package final class Segmenter: Buffered {
    /// The label of pixels without a class.
    package static let unlabelled = 255

    package let network: Network
    package let settings: SegmenterSettings
    package let classCount: Int
    private let blocks: [Int]
    private let pyramid: FeaturePyramid?
    private let head: any DenseHead
    private let auxiliary: AuxiliaryHead?

    /// Draws a head for a backbone.
    ///
    /// - Parameter settings: valid ones for this network.
    package init(_ network: Network, _ settings: SegmenterSettings, classCount: Int, seed: UInt64) {
        let architecture = network.architecture
        let width = architecture.width
        let initializer = Initializer(seed: seed, device: network.device)
        self.network = network
        self.settings = settings
        self.classCount = classCount
        blocks = settings.blocks(depth: architecture.depth).map { $0 - 1 }
        pyramid =
            settings.head == .linear
            ? nil
            : FeaturePyramid(settings.pyramid, width: width, patchSize: architecture.patchSize, initializer)
        let channels = settings.headChannels
        switch settings.head {
        case .linear: head = LinearHead(channels: width * blocks.count, classCount: classCount, initializer)
        case .semanticFPN:
            head = SemanticFPN(
                width: width, pyramidChannels: settings.pyramidChannels, channels: channels, classCount: classCount,
                dropout: settings.dropout, initializer)
        case .uperNet:
            head = UPerNet(
                width: width, channels: channels, classCount: classCount, dropout: settings.dropout, initializer)
        }
        auxiliary =
            settings.head == .uperNet && settings.auxiliaryWeight > 0
            ? AuxiliaryHead(
                width: width, channels: settings.auxiliaryChannels, classCount: classCount, dropout: settings.dropout,
                initializer) : nil
    }

    /// The loss of some labelled views: the mean over all pixels of the cross-entropy, 0 where a pixel has no class; with
    /// UPerNet the auxiliary head's loss is added with its weight.
    ///
    /// - Parameters:
    ///   - views: `[images, channels, height, width]`, normalised.
    ///   - labels: `[images, height, width]`, int64.
    ///   - labelledShare: of the pixels.
    package func loss(_ views: Tensor, _ labels: Tensor, labelledShare: Double, _ phase: Phase) -> Tensor {
        let maps = self.maps(of: views, phase)
        func loss(of head: any DenseHead) -> Tensor {
            let logits = enlarged(head(maps, phase), to: views).cast(to: .float32)
            // A mean over no pixel would be no number.
            guard labelledShare > 0 else { return logits.sum() * 0 }
            return logits.crossEntropy(labels, ignoring: Self.unlabelled) * labelledShare
        }
        let main = loss(of: head)
        return auxiliary.map { main + loss(of: $0) * settings.auxiliaryWeight } ?? main
    }

    /// The score of each class at each pixel: `[images, classes, height, width]`, float32.
    package func logits(of views: Tensor) -> Tensor {
        withoutGradients { enlarged(head(maps(of: views, .use), .use), to: views).cast(to: .float32) }
    }

    /// What the heads stand on. Views whose sides are no multiples of the patch are filled up with 0, below and to the right.
    private func maps(of views: Tensor, _ phase: Phase) -> [Tensor] {
        let filled = self.filled(views)
        let grid = network.backbone.grid(of: filled)
        let tokens: [Tensor]
        if settings.isFrozen || !phase.isTraining {
            tokens = withoutGradients { network.backbone.levels(blocks, of: filled) }
        } else {
            let dropPath = DropPath(
                rate: settings.dropPath, depth: network.architecture.depth, phase, images: views.size(0))
            tokens = network.backbone.levels(blocks, of: filled, dropPath)
        }
        return pyramid.map { $0(tokens, grid: grid, phase) } ?? tokens.map { $0.asMap(grid) }
    }

    private func filled(_ views: Tensor) -> Tensor {
        let patch = network.architecture.patchSize
        let (below, beside) = ((patch - views.size(2) % patch) % patch, (patch - views.size(3) % patch) % patch)
        return below == 0 && beside == 0 ? views : views.padded([0, beside, 0, below])
    }

    /// Scores on the head's grid, which covers the filled views, at the views' pixels.
    private func enlarged(_ scores: Tensor, to views: Tensor) -> Tensor {
        let patch = network.architecture.patchSize
        let (height, width) = (views.size(2), views.size(3))
        let whole = Grid(rows: (height + patch - 1) / patch * patch, columns: (width + patch - 1) / patch * patch)
        let enlarged = scores.resizedBilinear(to: whole)
        return whole == Grid(rows: height, columns: width)
            ? enlarged : enlarged.narrowed(to: 0..<height, dimension: 2).narrowed(to: 0..<width, dimension: 3)
    }

    /// What is trained: the heads', and the backbone's unless it is frozen.
    package var parameters: [NamedTensor] {
        (settings.isFrozen ? [] : network.backbone.parameters(of: "backbone")) + headParameters
    }

    private var headParameters: [NamedTensor] {
        (pyramid?.parameters(of: "pyramid") ?? []) + head.parameters(of: "head")
            + (auxiliary?.parameters(of: "auxiliary") ?? [])
    }

    package var buffers: [NamedTensor] {
        (pyramid?.buffers(of: "pyramid") ?? []) + head.buffers(of: "head") + (auxiliary?.buffers(of: "auxiliary") ?? [])
    }

    /// Everything that is needed to use it: a frozen backbone's parameters as well.
    package var state: [NamedTensor] { network.backbone.parameters(of: "backbone") + headParameters + buffers }
}
