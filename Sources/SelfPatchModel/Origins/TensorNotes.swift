import SelfPatchFormats
import SelfPatchTensors

/// Compares a recognised network's tensors with what its architecture wants, and notes what is left out, made anew or converted.
struct TensorNotes {
    private(set) var sentences: [String] = []

    /// - Parameter allowsMissing: see `ForeignWeights.Options`. The network and its architecture are changed where it applies.
    /// - Throws: `UserError` with a table of what does not fit.
    mutating func check(
        _ network: inout RecognizedNetwork, _ sizes: BackboneSizes, _ architecture: inout Architecture,
        allowsMissing: Bool, path: String
    ) throws {
        var mismatch = Self.mismatch(network, sizes, architecture)
        if allowsMissing {
            if mismatch.missing.contains(where: { $0.name.hasPrefix("ca_head.") }) {
                network.tensors = network.tensors.filter { !$0.key.hasPrefix("ca_head.") }
                network.imageSummary = .meanPatch
                architecture.imageSummary = .meanPatch
                mismatch = Self.mismatch(network, sizes, architecture)
                sentences.append(
                    "The aggregation module is not whole and left out; the image summary is the mean patch.")
            }
            if !mismatch.unexpected.isEmpty {
                sentences.append("Passed over, not known: \(mismatch.unexpected.map(\.name).listed(8)).")
                mismatch.unexpected = []
            }
            let replaceable = mismatch.missing.filter { Self.isReplaceable($0.name) }
            if !replaceable.isEmpty {
                sentences.append(
                    "Missing, and taken as in a new network: \(replaceable.map { network.spelling(of: $0.name) }.listed(8))."
                )
                mismatch.missing.removeAll { Self.isReplaceable($0.name) }
            }
        }
        guard mismatch.isEmpty else {
            let spelled = mismatch.renamed { network.tensors[$0]?.name ?? network.spelling(of: $0) }
            let isRelaxable =
                !allowsMissing && mismatch.misshapen.isEmpty && mismatch.mistyped.isEmpty
                && mismatch.missing.allSatisfy { Self.isReplaceable($0.name) }
            throw UserError(
                "Cannot use \(path): it looks like \(network.origin), but its tensors do not fit.\n\(spelled)"
                    + (isRelaxable ? "\n--allow-missing goes on without them, where other features will do." : ""))
        }
        if !sizes.hasQueryBias { sentences.append("Queries, keys and values have no biases; they are zero here.") }
        if sizes.hasLayerScale { sentences.append("Layer scale is multiplied into the matrices before it.") }
        if !network.dropped.isEmpty {
            sentences.append("Left out, no features go through them: \(network.dropped.map(\.name).listed(8)).")
        }
        let types = Set(network.tensors.values.map(\.elementType)).subtracting([.f32]).map(\.rawValue).sorted()
        if !types.isEmpty { sentences.append("Converted to F32: tensors of \(types.joined(separator: ", ")).") }
    }

    private static func mismatch(
        _ network: RecognizedNetwork, _ sizes: BackboneSizes, _ architecture: Architecture
    ) -> TensorMismatch {
        let heads = network.projectionHeads
        let ours = ParameterShapes.all(
            architecture, heads, hasPatchHead: network.tensors["p_head.last_layer.weight_v"] != nil)
        let wanted = ours.flatMap { asStored($0, sizes) } + layerScale(sizes)
        var mismatch = TensorMismatch(wanted: wanted, accepts: \.isReal) { name in
            network.tensors[name].map { ($0.shape, $0.elementType) }
        }
        let names = Set(wanted.map(\.name))
        let left = network.tensors.filter { !names.contains($0.key) }.map(\.value).sorted { $0.name < $1.name }
        mismatch.unexpected = (network.unexpected + left).map { ($0.name, $0.shape) }
        return mismatch
    }

    /// What stands in the file for one of our parameters.
    private static func asStored(_ ours: ParameterShapes.Named, _ sizes: BackboneSizes) -> [ParameterShapes.Named] {
        let (name, shape) = ours
        if name == "backbone.pos_embed" { return [(name, [1, sizes.positionCount, sizes.width])] }
        guard let place = name.range(of: ".attn.qkv.") else { return [ours] }
        if name.hasSuffix("bias"), !sizes.hasQueryBias { return [] }
        if sizes.hasJointQueries { return [ours] }
        return ["q", "k", "v"].map {
            (name.replacingCharacters(in: place, with: ".attn.\($0)."), [sizes.width] + shape.dropFirst())
        }
    }

    private static func layerScale(_ sizes: BackboneSizes) -> [ParameterShapes.Named] {
        guard sizes.hasLayerScale else { return [] }
        return (0..<sizes.depth).flatMap { block in
            ["ls1", "ls2"].map { ("backbone.blocks.\(block).\($0).gamma", [sizes.width]) }
        }
    }

    /// Biases and norms begin as zeros and ones; no other tensor can be made up.
    private static func isReplaceable(_ name: String) -> Bool {
        name.hasSuffix(".bias")
            || ["norm.weight", "norm1.weight", "norm2.weight"].contains { name.hasSuffix("." + $0) }
    }
}

extension RecognizedNetwork {
    /// The sizes of projection heads, where there are some of our kind.
    var projectionHeads: HeadSizes? {
        func shape(_ name: String) -> [Int]? {
            tensors[name].map(\.shape).flatMap { $0.count == 2 && $0.allSatisfy { $0 > 0 } ? $0 : nil }
        }
        guard let first = shape("c_head.mlp.0.weight"), let last = shape("c_head.last_layer.weight_v") else {
            return nil
        }
        return HeadSizes(
            imagePrototypes: last[0], patchPrototypes: shape("p_head.last_layer.weight_v")?[0] ?? last[0],
            hiddenWidth: first[0], bottleneck: last[1], learnedGain: learnsGain)
    }
}
