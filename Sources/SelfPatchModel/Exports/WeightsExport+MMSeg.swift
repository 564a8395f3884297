import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Which mmsegmentation.
enum MMSegFlavor {
    /// 1.x. Its Vision Transformer always has a class token and a position for it, which it may take away before the first block.
    case stock
    /// The authors' fork of a 0.x, whose positions are those of the patches alone.
    case authors
}

extension WeightsExport {
    func writeMMSeg(_ flavor: MMSegFlavor, to path: String) throws -> [String] {
        if flavor == .authors {
            try requireBackboneOfAuthors("the authors' fork of mmsegmentation")
        } else if architecture.registerCount > 0 || architecture.finalNorm == .pooled {
            throw UserError(
                "mmsegmentation's Vision Transformer has no registers and no norm after pooling, as this network has. "
                    + "--to timm and --to onnx have.", kind: .usage)
        }
        let ratio = try wholeHiddenRatio()
        let items = mmsegParameters(flavor).map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }
        try PyTorchWriter.write(items, to: path)
        let (height, width) = ownSize
        let a = architecture
        var arguments =
            "img_size=(\(height), \(width)), patch_size=\(a.patchSize), in_channels=\(a.channels), "
            + "embed_dims=\(a.width), num_layers=\(a.depth), num_heads=\(a.heads), mlp_ratio=\(ratio), "
            + "qkv_bias=True, norm_cfg=dict(type='LN', eps=\(a.normEpsilon))"
        if flavor == .stock {
            arguments +=
                ", patch_bias=True, with_cls_token=\(a.hasClassToken ? "True" : "False"), "
                + "final_norm=\(a.finalNorm == .tokens ? "True" : "False")"
        }
        let names =
            flavor == .stock
            ? "These are the names of mmsegmentation 1.x. Its loading is not strict: without patch_bias=True a bias is lost."
            : "These are the names of the authors' fork. For mmsegmentation itself take --to mmseg."
        return [arguments, names, gridNote(.bicubicSize, "mmsegmentation")] + lostSummary
    }

    /// mmsegmentation multiplies and takes the product for a number of features, which a fraction would not be.
    private func wholeHiddenRatio() throws -> Int {
        let (ratio, rest) = architecture.hiddenWidth.quotientAndRemainder(dividingBy: architecture.width)
        guard rest == 0 else {
            throw UserError(
                "mmsegmentation's Vision Transformer has hidden widths that are whole multiples of the width; here "
                    + "\(architecture.hiddenWidth) is none of \(architecture.width). --to onnx takes every width.",
                kind: .usage)
        }
        return ratio
    }

    private func mmsegParameters(_ flavor: MMSegFlavor) -> [NamedTensor] {
        var parameters = backbone.map { NamedTensor(Self.mmsegName($0.name), $0.tensor) }
        guard flavor == .stock else { return parameters }
        let row = Tensor.zeros([1, 1, architecture.width])
        parameters = parameters.map {
            $0.name == "pos_embed"
                ? NamedTensor($0.name, .concatenated([row, $0.tensor.detached().moved(to: .cpu)], dimension: 1)) : $0
        }
        return architecture.hasClassToken ? parameters : [NamedTensor("cls_token", row)] + parameters
    }

    /// `blocks.3.attn.qkv.weight` becomes `layers.3.attn.attn.in_proj_weight`.
    static func mmsegName(_ name: String) -> String {
        for (ours, theirs) in [("patch_embed.proj.", "patch_embed.projection."), ("norm.", "ln1.")]
        where name.hasPrefix(ours) { return theirs + name.dropFirst(ours.count) }
        guard let (block, rest) = BackboneNames.inBlock(name) else { return name }
        for (ours, theirs) in [
            ("norm1.", "ln1."), ("norm2.", "ln2."), ("attn.qkv.", "attn.attn.in_proj_"),
            ("attn.proj.", "attn.attn.out_proj."),
            ("mlp.fc1.", "ffn.layers.0.0."), ("mlp.fc2.", "ffn.layers.1."),
        ] where rest.hasPrefix(ours) { return "layers.\(block).\(theirs)\(rest.dropFirst(ours.count))" }
        preconditionFailure("a parameter that mmsegmentation has no name for: \(name)")
    }
}
