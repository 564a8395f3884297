import SelfPatchFormats
import SelfPatchTensors

/// Vision Transformers of timm: a folder with `config.json` as timm saves it, or a file of tensors alone.
///
/// Class token or none, registers, layer scale, a norm on all tokens or after pooling. Positions are resized by timm's own
/// rule. Epsilon is 1e-6 wherever timm does not say otherwise in a model's code.
enum TimmWeights: CheckpointOrigin {
    /// Whether timm's configuration lies beside the tensors.
    static func isConfigured(_ checkpoint: CheckpointFiles) -> Bool {
        guard let configuration = checkpoint.configuration else { return false }
        return configuration["model_type"] == nil
            && ["architecture", "model_args", "pretrained_cfg"].contains { configuration[$0] != nil }
    }

    static func network(in checkpoint: CheckpointFiles, part: CheckpointPart?) throws -> RecognizedNetwork? {
        guard let found = try NetworkTensors(in: checkpoint, part: part, landmark: BackboneNames.landmark),
            !DINOCheckpoint.hasHead(found.beside)
        else { return nil }
        let isConfigured = isConfigured(checkpoint)
        guard isConfigured || checkpoint.container == .safetensors || hasOwnSigns(found.backbone) else { return nil }
        let (tensors, dropped, unexpected) = BackboneNames.sorted(found.backbone)
        let hasClassToken = tensors["backbone.cls_token"] != nil
        var network = RecognizedNetwork(
            origin: .timm, tensors: tensors, dropped: dropped,
            unexpected: unexpected + found.beside.values.sorted { $0.name < $1.name }, positionRule: .antialiasedSize,
            imageSummary: hasClassToken && tensors["backbone.fc_norm.weight"] == nil ? .classToken : .meanPatch,
            normEpsilon: Stated(value: 1e-6, source: "timm's default"))
        if isConfigured, let value = checkpoint.configuration {
            try apply(Configuration(value, path: checkpoint.path), to: &network, hasClassToken: hasClassToken)
        }
        return network
    }

    /// What DINO's backbones do not have: a classifier, registers, layer scale, a norm after pooling; or what they have, and is
    /// not there.
    private static func hasOwnSigns(_ backbone: [String: StoredTensor]) -> Bool {
        let own = ["head.", "fc_norm.", "reg_token"]
        return backbone.keys.contains { name in
            own.contains { name.hasPrefix($0) } || name.hasSuffix(".ls1.gamma")
        } || backbone["cls_token"] == nil || backbone["norm.weight"] == nil
    }

    private static func apply(
        _ configuration: Configuration, to network: inout RecognizedNetwork, hasClassToken: Bool
    ) throws {
        let arguments = configuration.section("model_args")
        let pretrained = configuration.section("pretrained_cfg")
        try refuseWhatTensorsDoNotShow(configuration, arguments)

        for (name, field) in [
            ("embed_dim", \BackboneSizes.width), ("depth", \.depth), ("patch_size", \.patchSize),
            ("in_chans", \.channels), ("reg_tokens", \.registerCount),
        ] {
            let value = arguments.value[name] == .int(0) ? 0 : try arguments.size(name)
            guard let value else { continue }
            network.statedSizes.append((name, field, Stated(value: value, source: arguments.name)))
        }
        if let heads = try arguments.size("num_heads") {
            network.heads = Stated(value: heads, source: arguments.name)
        } else if let name = try configuration.text("architecture"),
            let heads = NamedArchitecture.heads(of: name, network.tensors)
        {
            network.heads = Stated(value: heads, source: "architecture, \(name), in \(configuration.name)")
        }

        network.normalization = try pretrained.normalization(mean: "mean", deviation: "std")
        var size = try arguments.sizes("img_size").map { Stated(value: $0, source: arguments.name) }
        if let numbers = pretrained.value["input_size"]?.array?.map(\.int) {
            guard numbers.count == 3, let height = numbers[1], let width = numbers[2], height > 0, width > 0 else {
                throw pretrained.refusal("input_size", "a list of channels, height and width")
            }
            network.viewSize = Stated(value: [height, width], source: pretrained.name)
            size = size ?? Stated(value: (height, width), source: pretrained.name)
        }
        if let size {
            let patch = max(1, network.tensors["backbone." + BackboneNames.landmark]?.shape.last ?? 1)
            network.grid = Stated(
                value: Grid(height: size.value.height, width: size.value.width, patchSize: patch), source: size.source)
            network.viewSize =
                network.viewSize ?? Stated(value: [size.value.height, size.value.width], source: size.source)
        }
        switch try arguments.text("global_pool") ?? configuration.text("global_pool") {
        case "avg"?: network.imageSummary = .meanPatch
        case "token"? where hasClassToken: network.imageSummary = .classToken
        case ""?, nil: break
        case let other?:
            throw UserError(
                "Cannot use \(configuration.path): \(configuration.name) pools tokens by '\(other)', which this program does "
                    + "not. It knows token and avg.")
        }
        if network.imageSummary == .classToken, network.tensors["backbone.fc_norm.weight"] != nil {
            throw UserError(
                "Cannot use \(configuration.path): it norms its class token by itself (fc_norm), which this program does not."
            )
        }
    }

    /// Arguments that change what the same tensors give.
    private static func refuseWhatTensorsDoNotShow(_ configuration: Configuration, _ arguments: Configuration) throws {
        let architecture = try configuration.text("architecture") ?? ""
        func refuse(_ what: String) -> UserError {
            UserError(
                "Cannot use \(configuration.path): by \(configuration.name) its network has \(what), which ours has not."
            )
        }
        if architecture.contains("quickgelu") { throw refuse("the quick form of GELU (architecture \(architecture))") }
        if let activation = arguments.value["act_layer"], activation.string != "gelu" {
            throw refuse("another activation than the exact GELU (act_layer)")
        }
        if let norm = arguments.value["norm_layer"], norm.string?.lowercased() != "layernorm" {
            throw refuse("other norms than LayerNorm (norm_layer)")
        }
        if try arguments.truth("pool_include_prefix") == true {
            throw refuse("a pooling over prefix tokens too (pool_include_prefix)")
        }
        if let positions = arguments.value["pos_embed"], positions.string != "learn" {
            throw refuse("no learned positions (pos_embed)")
        }
    }
}
