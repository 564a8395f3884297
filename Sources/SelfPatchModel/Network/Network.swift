import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Backbone, aggregation module and projection heads: what the student and the teacher both are.
public final class Network {
    public let architecture: Architecture
    package let backbone: VisionTransformer
    /// Missing in networks of other origins.
    package let aggregation: AggregationModule?
    package let imageHead: ProjectionHead?
    /// Missing in the baseline, which has no patch loss.
    package let patchHead: ProjectionHead?
    public let device: Device
    /// All parameters with the authors' names, in their order.
    public let parameters: [NamedTensor]

    /// A freshly drawn network.
    /// - Parameters:
    ///   - heads: nil for a network that only gives features.
    ///   - patchHead: whether there is a patch head among the heads.
    package init(_ architecture: Architecture, heads: HeadSizes?, patchHead: Bool = true, seed: UInt64, device: Device)
    {
        let initializer = Initializer(seed: seed, device: device)
        self.architecture = architecture
        self.device = device
        backbone = VisionTransformer(architecture, initializer)
        aggregation =
            architecture.imageSummary == .aggregation ? AggregationModule(architecture, initializer) : nil
        let width = architecture.width
        imageHead = heads.map {
            ProjectionHead(width: width, prototypes: $0.imagePrototypes, sizes: $0, initializer)
        }
        self.patchHead = heads.flatMap {
            patchHead ? ProjectionHead(width: width, prototypes: $0.patchPrototypes, sizes: $0, initializer) : nil
        }
        parameters =
            backbone.parameters(of: "backbone") + (aggregation?.parameters(of: "ca_head") ?? [])
            + (imageHead?.parameters(of: "c_head") ?? []) + (self.patchHead?.parameters(of: "p_head") ?? [])
    }

    /// What finished weights are used for.
    public struct Features {
        /// `[images, width]`; the architecture says what it is.
        public let imageSummary: Tensor
        /// The last block's patches, `[images, patches, width]`, normed where the network norms all tokens.
        public let patches: Tensor
        public let grid: Grid
        /// `[images, width]`, as `patches`; nil where the network has none.
        public let classToken: Tensor?
        /// `[images, registers, width]`, as `patches`; nil where the network has none.
        public let registers: Tensor?

        /// The mean over all patches, `[images, width]`.
        public var meanPatch: Tensor { patches.mean(over: 1) }
    }

    /// What products are made in when features are taken. Features come as float32 from each.
    public var featurePrecision = Precision.float32

    /// - Parameter views: `[images, channels, height, width]`, normalised, on the network's device.
    public func features(of views: Tensor) -> Features {
        takingFeatures { features(backbone.output(of: views), backbone.grid(of: views)) }
    }

    /// Features of the last blocks, the last one at the end, each made of its tokens as the last block's are.
    ///
    /// - Parameter count: how many blocks, from 1 to the network's depth.
    public func features(of views: Tensor, lastBlocks count: Int) -> [Features] {
        let depth = architecture.depth
        precondition(1...depth ~= count, "the last \(count) of \(depth) blocks")
        return takingFeatures {
            backbone.outputs(after: Array(depth - count..<depth), of: views).map {
                features($0, backbone.grid(of: views))
            }
        }
    }

    private func takingFeatures<Result>(_ body: () -> Result) -> Result {
        withoutGradients { featurePrecision.run(on: device, body) }
    }

    private func features(_ output: VisionTransformer.Output, _ grid: Grid) -> Features {
        Features(
            imageSummary: summary(of: output).cast(to: .float32), patches: output.patches.cast(to: .float32),
            grid: grid,
            classToken: output.classToken?.cast(to: .float32), registers: output.registers?.cast(to: .float32))
    }

    private func summary(of output: VisionTransformer.Output) -> Tensor {
        if let aggregation { return aggregation.summary(of: output.patches) }
        if let classToken = output.classToken, architecture.imageSummary == .classToken { return classToken }
        return backbone.mean(of: output.patches)
    }

    /// A copy of the backbone alone whose attention has another number of heads, which no parameter's shape tells.
    package func backboneCopy(heads: Int) -> Network {
        var architecture = architecture
        architecture.heads = heads
        architecture.imageSummary = .meanPatch
        let copy = Network(architecture, heads: nil, seed: 0, device: device)
        for (mine, theirs) in zip(copy.backbone.parameters, backbone.parameters) {
            mine.tensor.copy(from: theirs.tensor)
        }
        return copy
    }

    /// Overwrites all parameters with those of another network of the same sizes.
    package func copy(from other: Network) {
        precondition(parameters.count == other.parameters.count, "networks of different sizes")
        for (mine, theirs) in zip(parameters, other.parameters) { mine.tensor.copy(from: theirs.tensor) }
    }
}
