import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Backbone, aggregation module and projection heads: what the student and the teacher both are.
public final class Network {
    public let architecture: Architecture
    public let backbone: VisionTransformer
    public let aggregation: AggregationModule
    public let imageHead: ProjectionHead?
    /// Missing in the baseline, which has no patch loss.
    public let patchHead: ProjectionHead?
    public let device: Device
    /// All parameters with the authors' names, in their order.
    public let parameters: [NamedTensor]

    /// A freshly drawn network.
    /// - Parameters:
    ///   - heads: nil for a network that only gives features.
    ///   - patchHead: whether there is a patch head among the heads.
    public init(_ architecture: Architecture, heads: HeadSizes?, patchHead: Bool = true, seed: UInt64, device: Device) {
        let initializer = Initializer(seed: seed, device: device)
        self.architecture = architecture
        self.device = device
        backbone = VisionTransformer(architecture, initializer)
        aggregation = AggregationModule(architecture, initializer)
        let width = architecture.width
        imageHead = heads.map {
            ProjectionHead(width: width, prototypes: $0.imagePrototypes, sizes: $0, initializer)
        }
        self.patchHead = heads.flatMap {
            patchHead ? ProjectionHead(width: width, prototypes: $0.patchPrototypes, sizes: $0, initializer) : nil
        }
        parameters =
            backbone.parameters(of: "backbone") + aggregation.parameters(of: "ca_head")
            + (imageHead?.parameters(of: "c_head") ?? []) + (self.patchHead?.parameters(of: "p_head") ?? [])
    }

    /// What finished weights are used for.
    public struct Features {
        /// `[images, width]`
        public let imageSummary: Tensor
        /// The last block's tokens, `[images, patches, width]`.
        public let patches: Tensor
        public let grid: Grid

        /// The mean over all patches, `[images, width]`.
        public var meanPatch: Tensor { patches.mean(1) }
    }

    /// - Parameter views: `[images, channels, height, width]`, normalised, on the network's device.
    public func features(of views: Tensor) -> Features {
        withoutGradients {
            let tokens = backbone(views)
            return Features(
                imageSummary: aggregation.summary(of: tokens), patches: tokens, grid: backbone.grid(of: views))
        }
    }

    /// Overwrites all parameters with those of another network of the same sizes.
    public func copy(from other: Network) {
        precondition(parameters.count == other.parameters.count, "networks of different sizes")
        for (mine, theirs) in zip(parameters, other.parameters) { mine.tensor.copy(from: theirs.tensor) }
    }
}
