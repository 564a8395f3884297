/// Checkpoints of SelfPatch's authors: their training's, and backbones that were taken from those.
///
/// Tensors already have our names, which are theirs. The training's code says the rest: epsilon 1e-6, ImageNet's mean and
/// deviation, and the reference's rule for positions.
enum AuthorsCheckpoint: CheckpointOrigin {
    static func network(in checkpoint: CheckpointFiles, part: CheckpointPart?) throws -> RecognizedNetwork? {
        guard let found = try NetworkTensors(in: checkpoint, part: part, landmark: BackboneNames.landmark) else {
            return nil
        }
        let isTraining = found.beside.keys.contains { $0.hasPrefix("ca_head.") }
        let hasForeignParts = ["cls_token", "reg_token", "norm.weight", "fc_norm.weight"].contains {
            found.backbone[$0] != nil
        }
        guard
            isTraining
                || !(hasForeignParts || TimmWeights.isConfigured(checkpoint) || DINOCheckpoint.hasHead(found.beside))
        else { return nil }
        var (tensors, dropped, unexpected) = BackboneNames.sorted(found.backbone)
        let hasHeads = ["c_head.mlp.4.weight", "c_head.last_layer.weight_v"].allSatisfy { found.beside[$0] != nil }
        for (name, tensor) in found.beside.sorted(by: { $0.key < $1.key }) {
            if name.hasPrefix("ca_head.") {
                tensors[name] = tensor
            } else if name.hasPrefix("c_head.") || name.hasPrefix("p_head.") {
                // Heads with batch norm have other layers; features need none.
                if hasHeads { tensors[name] = tensor } else { dropped.append(tensor) }
            } else {
                unexpected.append(tensor)
            }
        }
        let arguments = TrainingArguments(checkpoint)
        return RecognizedNetwork(
            origin: isTraining ? .authorsTraining : .authorsBackbone, tensors: tensors, dropped: dropped,
            unexpected: unexpected, positionRule: .scalePlusTenth, imageSummary: isTraining ? .aggregation : .meanPatch,
            normEpsilon: Stated(value: 1e-6, source: "the authors' code"), heads: arguments.heads(tensors),
            normalization: Stated(value: .imageNet, source: "the authors' code"), learnsGain: arguments.learnsGain)
    }
}
