import SelfPatchFormats

/// What a training checkpoint of DINO's kind says in its `args`.
struct TrainingArguments {
    private let arch: String?
    let learnsGain: Bool

    init(_ checkpoint: CheckpointFiles) {
        let args = checkpoint.pyTorch?.root["args"]
        if case .string(let name)? = args?["arch"] { arch = name } else { arch = nil }
        learnsGain = args?["norm_last_layer"] == .bool(false)
    }

    /// The number of heads of the named architecture, believed only where the tensors have its width and depth.
    func heads(_ tensors: [String: StoredTensor]) -> Stated<Int>? {
        arch.flatMap { NamedArchitecture.heads(of: $0, tensors) }.map { Stated(value: $0, source: "args.arch") }
    }
}
