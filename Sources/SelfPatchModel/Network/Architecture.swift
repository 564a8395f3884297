import SelfPatchTensors

/// The sizes of a Vision Transformer: all that is needed, beside its weights, to build it again.
public struct Architecture: Codable, Equatable, Sendable {
    /// Numbers a token.
    public var width: Int
    /// Blocks.
    public var depth: Int
    /// Heads of attention, in the backbone and in the aggregation module.
    public var heads: Int
    /// Hidden width of the MLPs, as a multiple of `width`.
    public var mlpRatio: Int
    /// Side of a patch in pixels.
    public var patchSize: Int
    /// Channels of an image.
    public var channels: Int
    /// The grid that the position table was made for: the global view's.
    public var positionGrid: Grid
    /// Added to the variance in every norm.
    public var normEpsilon: Double

    public init(
        width: Int, depth: Int, heads: Int, mlpRatio: Int = 4, patchSize: Int = 16, channels: Int = 3,
        positionGrid: Grid = Grid(rows: 14, columns: 14), normEpsilon: Double = 1e-6
    ) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.mlpRatio = mlpRatio
        self.patchSize = patchSize
        self.channels = channels
        self.positionGrid = positionGrid
        self.normEpsilon = normEpsilon
    }

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

/// The sizes of the projection heads.
public struct HeadSizes: Codable, Equatable, Sendable {
    /// Outputs of the image head, K.
    public var imagePrototypes: Int
    /// Outputs of the patch head, K_p.
    public var patchPrototypes: Int
    public var hiddenWidth: Int
    /// Width of the unit vectors that meet the prototypes, d.
    public var bottleneck: Int
    /// Whether the gains of the prototypes are learned; else they stay 1.
    public var learnedGain: Bool

    public init(
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
