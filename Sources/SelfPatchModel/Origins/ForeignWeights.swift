import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// A network of another origin, understood: what it will be here, and making it.
///
/// What is exact is put together: layer scale goes into the matrices before it, positions of prefix tokens into the tokens,
/// queries, keys and values into one matrix. Everything else is copied.
public struct ForeignWeights {
    /// What a person has to say or allow.
    public struct Options: Sendable {
        /// Of a training checkpoint; nil: the teacher.
        public var part: CheckpointPart?
        /// Heads of attention, where nothing else tells them.
        public var heads: Int?
        /// Take biases and norms that are missing as those of a new network, and pass over tensors that are not known.
        public var allowsMissing: Bool

        public init(part: CheckpointPart? = nil, heads: Int? = nil, allowsMissing: Bool = false) {
            self.part = part
            self.heads = heads
            self.allowsMissing = allowsMissing
        }
    }

    public let description: WeightsDescription
    /// What was found, decided and left out, and by whose word: a sentence each.
    public let notes: [String]
    private let checkpoint: CheckpointFiles
    private let tensors: [String: StoredTensor]
    private let sizes: BackboneSizes
    /// The first entries of the position table, which belong to prefix tokens.
    private let prefixPositions: Int

    /// Understands a checkpoint; no tensor is read.
    ///
    /// - Throws: `UserError` where there is no network that this program can have, with a table of what does not fit, or where
    ///   something has to be told.
    public init(_ checkpoint: CheckpointFiles, options: Options = Options()) throws {
        let path = checkpoint.path
        if let advice = checkpoint.partAlone { throw UserError("Cannot use \(path): \(advice)", kind: .usage) }
        var network = try RecognizedNetwork(in: checkpoint, part: options.part)
        try UnsupportedParts.refuse(network.unexpected, path: path)
        let sizes = try BackboneSizes(of: network, path: path)
        for (name, field, stated) in network.statedSizes where sizes[keyPath: field] != stated.value {
            throw UserError(
                "Cannot use \(path): \(stated.source) says that \(name) is \(stated.value), but the tensors make it "
                    + "\(sizes[keyPath: field]).")
        }
        let heads = try AttentionHeads.found(network.heads, option: options.heads, width: sizes.width, path: path)
        let (grid, prefixPositions) = try sizes.grid(network.grid, path: path)
        var architecture = Architecture(
            width: sizes.width, depth: sizes.depth, heads: heads.value, hiddenWidth: sizes.hiddenWidth,
            patchSize: sizes.patchSize, channels: sizes.channels, positionGrid: grid,
            positionRule: network.positionRule, normEpsilon: network.normEpsilon.value,
            hasClassToken: sizes.hasClassToken, registerCount: sizes.registerCount, finalNorm: sizes.finalNorm,
            imageSummary: network.imageSummary)
        var notes = TensorNotes()
        try notes.check(&network, sizes, &architecture, allowsMissing: options.allowsMissing, path: path)

        let normalization = network.normalization?.value ?? .usual(channels: sizes.channels)
        guard normalization.mean.count == sizes.channels else {
            throw UserError(
                "Cannot use \(path): \(network.normalization?.source ?? "") gives means of \(normalization.mean.count) channels "
                    + "for a network of \(sizes.channels).")
        }
        let ownSize = [grid.rows * sizes.patchSize, grid.columns * sizes.patchSize]
        let viewSize = network.viewSize?.value ?? ownSize
        guard viewSize.allSatisfy({ (sizes.patchSize...65_536).contains($0) }) else {
            throw UserError(
                "Cannot use \(path): \(network.viewSize?.source ?? "its grid") tells images of \(viewSize[0]) x \(viewSize[1]) "
                    + "pixels, for patches of \(sizes.patchSize).")
        }
        description = WeightsDescription(
            architecture: architecture, heads: network.projectionHeads,
            hasPatchHead: network.projectionHeads != nil && network.tensors["p_head.last_layer.weight_v"] != nil,
            mean: normalization.mean, deviation: normalization.deviation, viewSize: viewSize, steps: 0,
            origin: network.origin)
        self.notes =
            ["This is \(network.origin): \(architecture)"]
            + [
                "\(heads.value) \(heads.value == 1 ? "head" : "heads") of attention: \(heads.source). Epsilon \(network.normEpsilon.value): \(network.normEpsilon.source)."
            ]
            + [
                "Mean \(normalization.mean) and deviation \(normalization.deviation): "
                    + "\(network.normalization?.source ?? "the usual ones, for nothing tells them"). Views of "
                    + "\(viewSize[0]) x \(viewSize[1]) pixels: \(network.viewSize?.source ?? "grid and patch, for nothing tells them")."
            ] + notes.sentences
        self.checkpoint = checkpoint
        self.sizes = sizes
        self.prefixPositions = prefixPositions
        tensors = network.tensors
    }

    /// Reads the tensors.
    ///
    /// - Parameter withHeads: also the projection heads, where the checkpoint has usable ones.
    /// - Throws: `UserError` where the file is damaged or weights are no numbers.
    public func network(withHeads: Bool = false, device: Device = .cpu) throws -> Network {
        if let file = checkpoint.safetensors, file.hasChecksum { try file.verifyChecksum() }
        let network = Network(
            description.architecture, heads: withHeads ? description.heads : nil, patchHead: description.hasPatchHead,
            seed: 0, device: device)
        try withoutGradients {
            for parameter in network.parameters { parameter.tensor.copy(from: try value(of: parameter)) }
        }
        return network
    }

    /// One of our parameters, made of what the file has.
    private func value(of parameter: NamedTensor) throws -> Tensor {
        let (name, start) = (parameter.name, "backbone.")
        guard name.hasPrefix(start) else { return try loaded(parameter) }
        let own = String(name.dropFirst(start.count))
        switch own {
        case "pos_embed":
            return try positions(prefixPositions..<sizes.positionCount)
        case "cls_token":
            let token = try loaded(parameter)
            return prefixPositions > 0 ? token + (try positions(0..<1)) : token
        case "reg_token":
            let token = try loaded(parameter)
            let first = sizes.prefixCount - sizes.registerCount
            return prefixPositions == sizes.prefixCount ? token + (try positions(first..<sizes.prefixCount)) : token
        default: break
        }
        guard let (block, rest) = BackboneNames.inBlock(own) else { return try loaded(parameter) }
        switch rest {
        case "attn.qkv.weight" where !sizes.hasJointQueries, "attn.qkv.bias" where !sizes.hasJointQueries:
            return try joined(block, ending: rest.hasSuffix("bias") ? "bias" : "weight", like: parameter.tensor)
        case "attn.proj.weight", "attn.proj.bias": return try scaled(parameter, by: "blocks.\(block).ls1.gamma")
        case "mlp.fc2.weight", "mlp.fc2.bias": return try scaled(parameter, by: "blocks.\(block).ls2.gamma")
        default: return try loaded(parameter)
        }
    }

    /// A tensor as it stands; what may be missing is as in a new network.
    private func loaded(_ parameter: NamedTensor) throws -> Tensor {
        if let stored = tensors[parameter.name] { return try stored.load() }
        return .full(parameter.tensor.shape, value: parameter.name.hasSuffix("bias") ? 0 : 1)
    }

    private func positions(_ range: Range<Int>) throws -> Tensor {
        guard let table = tensors["backbone.pos_embed"] else { preconditionFailure("the table was checked") }
        return try table.load().narrowed(to: range, dimension: 1)
    }

    /// Queries, keys and values, one below the other.
    private func joined(_ block: Int, ending: String, like tensor: Tensor) throws -> Tensor {
        let width = sizes.width
        return Tensor.concatenated(
            try ["q", "k", "v"].map { part in
                let stored = tensors["backbone.blocks.\(block).attn.\(part).\(ending)"]
                return try stored?.load() ?? .zeros([width] + tensor.shape.dropFirst())
            })
    }

    /// The rows of a matrix, or a bias, times what follows it.
    private func scaled(_ parameter: NamedTensor, by gamma: String) throws -> Tensor {
        let value = try loaded(parameter)
        guard let gamma = try tensors["backbone." + gamma]?.load() else { return value }
        return value * (value.rank == 2 ? gamma.unsqueezed(at: 1) : gamma)
    }
}

extension ViewNormalization {
    /// What is taken where nothing is said: ImageNet's for three channels, else a half for each.
    static func usual(channels: Int) -> ViewNormalization {
        let half = [Double](repeating: 0.5, count: channels)
        return channels == 3 ? .imageNet : ViewNormalization(mean: half, deviation: half)
    }
}
