import SelfPatchTensors

/// What a Vision Transformer is like: all that is needed, beside its weights, to build it again.
public struct Architecture: Codable, Equatable, Sendable {
    /// Numbers a token.
    public var width: Int
    /// Blocks.
    public var depth: Int
    /// Heads of attention, in the backbone and in the aggregation module.
    public var heads: Int
    /// Width of the MLPs' hidden layer.
    public var hiddenWidth: Int
    /// Side of a patch in pixels.
    public var patchSize: Int
    /// Channels of an image.
    public var channels: Int
    /// The grid that the position table was made for: the global view's.
    public var positionGrid: Grid
    /// How the table is resized for another grid.
    public var positionRule: PositionRule
    /// Added to the variance in every norm.
    public var normEpsilon: Double
    /// Whether a learned token stands before the patches and gathers what the image shows.
    public var hasClassToken: Bool
    /// Learned tokens between the class token and the patches that stand for nothing.
    public var registerCount: Int
    public var finalNorm: FinalNorm
    public var imageSummary: ImageSummary

    /// Where a norm follows the last block.
    public enum FinalNorm: String, Codable, Sendable {
        /// Nowhere: the last block's tokens are the features.
        case none
        /// On every token.
        case tokens
        /// On the mean patch alone.
        case pooled
    }

    /// What stands for a whole image.
    public enum ImageSummary: String, Codable, Sendable {
        /// What the aggregation module makes of the patches.
        case aggregation
        /// The class token.
        case classToken = "class-token"
        /// The mean over the patches.
        case meanPatch = "mean-patch"
    }

    /// The defaults are those of SelfPatch; its MLPs are four times as wide as a token.
    public init(
        width: Int, depth: Int, heads: Int, hiddenWidth: Int? = nil, patchSize: Int = 16, channels: Int = 3,
        positionGrid: Grid = Grid(rows: 14, columns: 14), positionRule: PositionRule = .scalePlusTenth,
        normEpsilon: Double = 1e-6, hasClassToken: Bool = false, registerCount: Int = 0, finalNorm: FinalNorm = .none,
        imageSummary: ImageSummary = .aggregation
    ) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.hiddenWidth = hiddenWidth ?? 4 * width
        self.patchSize = patchSize
        self.channels = channels
        self.positionGrid = positionGrid
        self.positionRule = positionRule
        self.normEpsilon = normEpsilon
        self.hasClassToken = hasClassToken
        self.registerCount = registerCount
        self.finalNorm = finalNorm
        self.imageSummary = imageSummary
    }

    /// Tokens before the patches.
    public var prefixCount: Int { (hasClassToken ? 1 : 0) + registerCount }

    /// The named sizes: Tiny, Small and Base as in DeiT and DINO; Nano for laptops and tests.
    public enum Size: String, Codable, CaseIterable, Sendable {
        case nano, tiny, small, base

        public var width: Int {
            switch self {
            case .nano: 96
            case .tiny: 192
            case .small: 384
            case .base: 768
            }
        }
        public var depth: Int { self == .nano ? 4 : 12 }
        public var heads: Int {
            switch self {
            case .nano, .tiny: 3
            case .small: 6
            case .base: 12
            }
        }
    }
}

extension Architecture {
    private enum OlderKey: String, CodingKey {
        case mlpRatio
    }

    /// Files from before there were networks of other origins say less; they are SelfPatch's.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let width = try values.decode(Int.self, forKey: .width)
        let ratio = try decoder.container(keyedBy: OlderKey.self).decodeIfPresent(Int.self, forKey: .mlpRatio)
        self.init(
            width: width, depth: try values.decode(Int.self, forKey: .depth),
            heads: try values.decode(Int.self, forKey: .heads),
            hiddenWidth: try ratio.map { $0 &* width } ?? values.decode(Int.self, forKey: .hiddenWidth),
            patchSize: try values.decode(Int.self, forKey: .patchSize),
            channels: try values.decode(Int.self, forKey: .channels),
            positionGrid: try values.decode(Grid.self, forKey: .positionGrid),
            normEpsilon: try values.decode(Double.self, forKey: .normEpsilon))
        positionRule = try values.decodeIfPresent(PositionRule.self, forKey: .positionRule) ?? positionRule
        hasClassToken = try values.decodeIfPresent(Bool.self, forKey: .hasClassToken) ?? hasClassToken
        registerCount = try values.decodeIfPresent(Int.self, forKey: .registerCount) ?? registerCount
        finalNorm = try values.decodeIfPresent(FinalNorm.self, forKey: .finalNorm) ?? finalNorm
        imageSummary = try values.decodeIfPresent(ImageSummary.self, forKey: .imageSummary) ?? imageSummary
    }
}

extension Architecture: CustomStringConvertible {
    /// What it is, for a person: sentences without their subject.
    public var description: String {
        var parts = [
            "\(depth) blocks of width \(width), hidden width \(hiddenWidth), patches of \(patchSize) x \(patchSize) pixels",
            "positions for \(positionGrid), resized by the rule \(positionRule.rawValue)",
        ]
        if hasClassToken { parts.append("a class token") }
        if registerCount > 0 { parts.append("\(registerCount) registers") }
        switch finalNorm {
        case .none: parts.append("no final norm")
        case .tokens: parts.append("a final norm on all tokens")
        case .pooled: parts.append("a final norm on the mean patch")
        }
        let summary =
            switch imageSummary {
            case .aggregation: "what the aggregation module says"
            case .classToken: "the class token"
            case .meanPatch: "the mean patch"
            }
        return parts.joined(separator: ", ") + ". The image summary is \(summary)."
    }
}

/// The sizes of the projection heads.
package struct HeadSizes: Codable, Equatable, Sendable {
    /// Outputs of the image head, K.
    package var imagePrototypes: Int
    /// Outputs of the patch head, K_p.
    package var patchPrototypes: Int
    package var hiddenWidth: Int
    /// Width of the unit vectors that meet the prototypes, d.
    package var bottleneck: Int
    /// Whether the gains of the prototypes are learned; else they stay 1.
    package var learnedGain: Bool

    package init(
        imagePrototypes: Int = 65_536, patchPrototypes: Int = 4096, hiddenWidth: Int = 2048, bottleneck: Int = 256,
        learnedGain: Bool = false
    ) {
        self.imagePrototypes = imagePrototypes
        self.patchPrototypes = patchPrototypes
        self.hiddenWidth = hiddenWidth
        self.bottleneck = bottleneck
        self.learnedGain = learnedGain
    }
}
