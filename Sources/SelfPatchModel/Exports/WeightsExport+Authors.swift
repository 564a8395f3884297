import SelfPatchFormats

extension WeightsExport {
    /// A plain dictionary of the backbone, as `torch.save` writes it: the authors' detection code loads such files by name, and
    /// passes over every name that it does not know without an error.
    func writeAuthors(to path: String) throws -> [String] {
        try requireBackboneOfAuthors("the authors' backbone")
        let items = backbone.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }
        try PyTorchWriter.write(items, to: path)
        let a = architecture
        return [
            "patch_size=\(a.patchSize), embed_dim=\(a.width), depth=\(a.depth), num_heads=\(a.heads), "
                + "mlp_ratio=\(hiddenRatio), qkv_bias=True",
            "Mind num_heads: no tensor shows it, and another number gives other features without a word. "
                + "The authors' detection configuration says 8.",
        ] + epsilonNote + [gridNote(.scalePlusTenth, "the authors' backbone")] + lostSummary
    }

    /// The authors' code, timm and mmsegmentation's configurations have 1e-6.
    var epsilonNote: [String] {
        architecture.normEpsilon == 1e-6
            ? [] : ["The norms have epsilon \(architecture.normEpsilon) here: say so there, the default is 1e-6."]
    }
}
