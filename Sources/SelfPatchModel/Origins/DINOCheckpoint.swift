/// Checkpoints of DINO: its training's, and its published backbones, plain dictionaries.
///
/// Class token, with a position, and a norm on all tokens. DINO's code says the rest, as that of SelfPatch's authors, who began
/// from it.
enum DINOCheckpoint: CheckpointOrigin {
    static func network(in checkpoint: CheckpointFiles, part: CheckpointPart?) throws -> RecognizedNetwork? {
        guard let found = try NetworkTensors(in: checkpoint, part: part, landmark: BackboneNames.landmark) else {
            return nil
        }
        let (tensors, dropped, unexpected) = BackboneNames.sorted(found.backbone)
        let heads = found.beside.values.sorted { $0.name < $1.name }
        let isTraining = hasHead(found.beside)
        return RecognizedNetwork(
            origin: isTraining ? .dinoTraining : .dinoBackbone, tensors: tensors,
            dropped: dropped + (isTraining ? heads : []), unexpected: unexpected + (isTraining ? [] : heads),
            positionRule: .scalePlusTenth,
            imageSummary: tensors["backbone.cls_token"] == nil ? .meanPatch : .classToken,
            normEpsilon: Stated(value: 1e-6, source: "DINO's code"),
            heads: TrainingArguments(checkpoint).heads(tensors),
            normalization: Stated(value: .imageNet, source: "DINO's code"))
    }

    /// Whether a projection head of DINO stands beside a backbone.
    static func hasHead(_ beside: [String: StoredTensor]) -> Bool {
        beside.keys.contains { $0.hasPrefix("head.mlp.") || $0.hasPrefix("head.last_layer.") }
    }
}
