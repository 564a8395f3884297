import SelfPatchFormats
import SelfPatchTensors

/// ViT and DINOv2 of Hugging Face's transformers: a folder with `config.json`, in one file or in parts, alone or within a
/// model that classifies.
///
/// Queries, keys and values are three matrices; the class token has a position, registers have none; a norm follows on all
/// tokens.
enum HuggingFaceWeights: CheckpointOrigin {
    static let landmark = "embeddings.patch_embeddings.projection.weight"

    static func network(in checkpoint: CheckpointFiles, part: CheckpointPart?) throws -> RecognizedNetwork? {
        guard let found = try NetworkTensors(in: checkpoint, part: part, landmark: landmark) else { return nil }
        var tensors: [String: StoredTensor] = [:]
        var dropped: [StoredTensor] = []
        var unexpected: [StoredTensor] = []
        var isDINOv2 = false
        for (name, tensor) in found.backbone.sorted(by: { $0.key < $1.key }) {
            isDINOv2 = isDINOv2 || name.contains(".norm1.") || name.contains(".layer_scale1.")
            if let ours = ours(name), tensors["backbone." + ours] == nil {
                tensors["backbone." + ours] = tensor
            } else if isUnused(name) {
                dropped.append(tensor)
            } else {
                unexpected.append(tensor)
            }
        }
        // Above a prefix such as `vit.` stand a classifier and other parts that features do not go through.
        let own = Set(found.backbone.values.map(\.name))
        dropped += checkpoint.tensors.filter { !own.contains($0.name) }
        var network = RecognizedNetwork(
            origin: isDINOv2 ? .huggingFaceDINOv2 : .huggingFaceViT, tensors: tensors, dropped: dropped,
            unexpected: unexpected, positionRule: .bicubicSize, imageSummary: .classToken,
            normEpsilon: Stated(value: isDINOv2 ? 1e-6 : 1e-12, source: "the default of transformers"))
        if let value = checkpoint.configuration {
            try apply(Configuration(value, path: checkpoint.path), to: &network)
        }
        if let value = checkpoint.preprocessor {
            let preprocessor = Configuration(value, name: "preprocessor_config.json", path: checkpoint.path)
            network.normalization = try preprocessor.normalization(mean: "image_mean", deviation: "image_std")
            network.viewSize = try viewSize(preprocessor) ?? network.viewSize
        }
        return network
    }

    private static let outside = [
        landmark: BackboneNames.landmark, "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
        "embeddings.position_embeddings": "pos_embed", "embeddings.cls_token": "cls_token",
        "embeddings.register_tokens": "reg_token", "layernorm.weight": "norm.weight", "layernorm.bias": "norm.bias",
    ]

    /// Within a block: what is on disk for ViT, what is for DINOv2 where it differs, and what version 5 of the library calls
    /// it in memory and writes when asked to.
    private static let inBlock = [
        "layernorm_before": "norm1", "layernorm_after": "norm2", "norm1": "norm1", "norm2": "norm2",
        "attention.attention.query": "attn.q", "attention.attention.key": "attn.k",
        "attention.attention.value": "attn.v", "attention.output.dense": "attn.proj",
        "attention.q_proj": "attn.q", "attention.k_proj": "attn.k", "attention.v_proj": "attn.v",
        "attention.o_proj": "attn.proj", "intermediate.dense": "mlp.fc1", "output.dense": "mlp.fc2",
        "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
    ]

    /// Our name for a tensor, or nil.
    private static func ours(_ name: String) -> String? {
        if let ours = outside[name] { return ours }
        for start in ["encoder.layer.", "encoder.layers.", "layers.", "layer."] where name.hasPrefix(start) {
            let parts = name.dropFirst(start.count).split(separator: ".", maxSplits: 1)
            guard parts.count == 2, parts[0].allSatisfy(\.isNumber) else { return nil }
            let rest = String(parts[1])
            if rest == "layer_scale1.lambda1" { return "blocks.\(parts[0]).ls1.gamma" }
            if rest == "layer_scale2.lambda1" { return "blocks.\(parts[0]).ls2.gamma" }
            for ending in [".weight", ".bias"] where rest.hasSuffix(ending) {
                return inBlock[String(rest.dropLast(ending.count))].map { "blocks.\(parts[0]).\($0)\(ending)" }
            }
        }
        return nil
    }

    /// Poolers and classifiers of the whole image, and the token that stood for hidden patches while training.
    private static func isUnused(_ name: String) -> Bool {
        name == "embeddings.mask_token" || ["pooler.", "classifier."].contains { name.hasPrefix($0) }
    }

    private static let knownTypes = ["vit", "vit_msn", "dinov2", "dinov2_with_registers"]

    private static func apply(_ configuration: Configuration, to network: inout RecognizedNetwork) throws {
        func refusal(_ what: String) -> UserError {
            UserError(
                "Cannot use \(configuration.path): by \(configuration.name) its network has \(what), which ours has not."
            )
        }
        if let type = try configuration.text("model_type"), !knownTypes.contains(type) {
            throw UserError(
                "Cannot use \(configuration.path): \(configuration.name) says that it is a model of type '\(type)'. Known are "
                    + knownTypes.joined(separator: ", ") + ".")
        }
        if let activation = try configuration.text("hidden_act"), activation != "gelu" {
            throw refusal("the activation '\(activation)' instead of the exact GELU (hidden_act)")
        }
        if try configuration.truth("use_swiglu_ffn") == true { throw refusal("gated MLPs (use_swiglu_ffn)") }
        for (name, field) in [
            ("hidden_size", \BackboneSizes.width), ("num_hidden_layers", \.depth), ("num_channels", \.channels),
            ("intermediate_size", \.hiddenWidth),
        ] {
            guard let value = try configuration.size(name) else { continue }
            network.statedSizes.append((name, field, Stated(value: value, source: configuration.name)))
        }
        network.heads = try configuration.size("num_attention_heads").map {
            Stated(value: $0, source: configuration.name)
        }
        if let epsilon = try configuration.number("layer_norm_eps") {
            guard epsilon > 0, epsilon < 1 else {
                throw configuration.refusal("layer_norm_eps", "a small number above 0")
            }
            network.normEpsilon = Stated(value: epsilon, source: configuration.name)
        }
        if let patch = try configuration.sizes("patch_size") {
            guard patch.height == patch.width else { throw refusal("patches that are not square (patch_size)") }
            network.statedSizes.append(
                ("patch_size", \.patchSize, Stated(value: patch.height, source: configuration.name)))
            if let size = try configuration.sizes("image_size") {
                network.grid = Stated(
                    value: Grid(height: size.height, width: size.width, patchSize: patch.height),
                    source: configuration.name)
                network.viewSize = Stated(value: [size.height, size.width], source: configuration.name)
            }
        }
    }

    /// What images are cut or resized to before the network sees them.
    private static func viewSize(_ preprocessor: Configuration) throws -> Stated<[Int]>? {
        for key in ["crop_size", "size"] {
            guard let found = preprocessor.value[key],
                preprocessor.value["do_\(key == "size" ? "resize" : "center_crop")"] != .bool(false)
            else { continue }
            let size: (height: Int, width: Int)?
            if found.object == nil {
                size = try preprocessor.sizes(key)
            } else {
                let section = preprocessor.section(key)
                let height = try section.size("height") ?? section.size("shortest_edge")
                let width = try section.size("width") ?? section.size("shortest_edge")
                size = height.flatMap { height in width.map { (height, $0) } }
            }
            if let size { return Stated(value: [size.height, size.width], source: preprocessor.name) }
        }
        return nil
    }
}
