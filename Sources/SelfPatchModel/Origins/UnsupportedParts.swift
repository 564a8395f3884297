import SelfPatchFormats

/// Parts of other Vision Transformers that ours does not have. Leaving one out would give other features without a word, so
/// they are refused by their names.
enum UnsupportedParts {
    private static let signs: [(sign: String, what: String)] = [
        (".q_norm.", "norms on queries and keys"), (".k_norm.", "norms on queries and keys"),
        ("norm_pre.", "a norm before the first block"), ("pre_layrnorm.", "a norm before the first block"),
        (".mlp.fc1_g.", "gated MLPs"), (".mlp.fc1_x.", "gated MLPs"), (".mlp.w12.", "gated MLPs"),
        (".mlp.w3.", "gated MLPs"), (".mlp.gate_proj.", "gated MLPs"), ("weights_in.", "gated MLPs"),
        (".mlp.norm.", "norms inside the MLPs"), (".attn.norm.", "norms inside the attention"),
        ("attn_pool.", "attention pooling"), ("rel_pos", "relative positions"),
        ("relative_position", "relative positions"), ("rope", "rotary positions"), ("rotary", "rotary positions"),
        ("dist_token", "a distillation token"), ("distillation_token", "a distillation token"),
        ("patch_embed.backbone.", "a convolutional network before its blocks"),
        ("patch_embed.stem.", "a convolutional network before its blocks"),
        (".gamma_1", "BEiT's form of layer scale"), (".attn.q_bias", "BEiT's form of attention"),
    ]

    /// - Throws: `UserError` that names the part and one of its tensors.
    static func refuse(_ tensors: [StoredTensor], path: String) throws {
        for tensor in tensors {
            for (sign, what) in signs where ("." + tensor.name).contains(sign) { throw refusal(what, tensor, path) }
        }
    }

    static func refusal(_ what: String, _ tensor: StoredTensor, _ path: String) -> UserError {
        UserError(
            "Cannot use \(path): its network has \(what) (\(tensor.name), \(tensor.shape)), which this program's has not. "
                + "Left out, they would change the features.")
    }
}
