/// Which program's weights they are; the raw value stands in our files.
public enum Origin: String, Codable, CaseIterable, Sendable, CustomStringConvertible {
    /// This program's own.
    case selfpatch
    case authorsTraining = "authors-training"
    case authorsBackbone = "authors-backbone"
    case dinoTraining = "dino-training"
    case dinoBackbone = "dino-backbone"
    case timm
    case huggingFaceViT = "huggingface/vit"
    case huggingFaceDINOv2 = "huggingface/dinov2"

    /// In words, for messages.
    public var description: String {
        switch self {
        case .selfpatch: "selfpatch's own weights"
        case .authorsTraining: "a training checkpoint of SelfPatch's authors"
        case .authorsBackbone: "a backbone of SelfPatch's authors"
        case .dinoTraining: "a training checkpoint of DINO"
        case .dinoBackbone: "a backbone of DINO"
        case .timm: "a Vision Transformer of timm"
        case .huggingFaceViT: "a ViT of Hugging Face's transformers"
        case .huggingFaceDINOv2: "a DINOv2 of Hugging Face's transformers"
        }
    }
}

/// Which of a training checkpoint's networks is meant.
public enum CheckpointPart: String, Codable, CaseIterable, Sendable {
    case student
    case teacher
}
