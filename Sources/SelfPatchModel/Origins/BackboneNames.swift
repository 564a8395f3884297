/// What the tensors of a backbone are called: the names of SelfPatch's authors, which are DINO's and timm's too.
enum BackboneNames {
    /// The one tensor that every backbone has, and no two of one.
    static let landmark = "patch_embed.proj.weight"

    private static let outside: Set<String> = [
        "pos_embed", landmark, "patch_embed.proj.bias", "cls_token", "reg_token", "norm.weight", "norm.bias",
        "fc_norm.weight", "fc_norm.bias",
    ]

    private static let inBlock: Set<String> = Set(
        ["norm1", "norm2", "attn.qkv", "attn.q", "attn.k", "attn.v", "attn.proj", "mlp.fc1", "mlp.fc2"]
            .flatMap { ["\($0).weight", "\($0).bias"] } + ["ls1.gamma", "ls2.gamma"])

    /// Classifiers and the like, which no feature goes through.
    private static let heads = ["head.", "head_dist.", "fc.", "classifier.", "pre_logits."]

    /// A tensor in a block: its number and the rest of its name; nil for other names.
    static func inBlock(_ name: String) -> (block: Int, rest: String)? {
        let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "blocks", let block = Int(parts[1]), block >= 0,
            String(block) == parts[1]
        else { return nil }
        return (block, String(parts[2]))
    }

    /// Sorts the tensors of a backbone, by these names, into those that have a place and those that have none.
    static func sorted(
        _ backbone: [String: StoredTensor]
    ) -> (known: [String: StoredTensor], dropped: [StoredTensor], unexpected: [StoredTensor]) {
        var known: [String: StoredTensor] = [:]
        var dropped: [StoredTensor] = []
        var unexpected: [StoredTensor] = []
        for (name, tensor) in backbone.sorted(by: { $0.key < $1.key }) {
            if outside.contains(name) || inBlock(name).map({ inBlock.contains($0.rest) }) == true {
                known["backbone." + name] = tensor
            } else if heads.contains(where: name.hasPrefix) {
                dropped.append(tensor)
            } else {
                unexpected.append(tensor)
            }
        }
        return (known, dropped, unexpected)
    }
}
