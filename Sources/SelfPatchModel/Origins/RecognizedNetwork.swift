import SelfPatchFormats
import SelfPatchTensors

/// A network found in a checkpoint, in our names: which tensors are its own, and what its origin says that is not in them.
struct RecognizedNetwork {
    var origin: Origin
    /// By our names; before they are put together, see ``ForeignWeights``.
    var tensors: [String: StoredTensor]
    /// Tensors that have no use here and are known to have none: classifiers and the like.
    var dropped: [StoredTensor] = []
    /// Tensors whose meaning is not known.
    var unexpected: [StoredTensor] = []
    var positionRule: PositionRule
    var imageSummary: Architecture.ImageSummary
    var normEpsilon: Stated<Double>
    /// Nil where nothing in or beside the file tells them.
    var heads: Stated<Int>?
    var grid: Stated<Grid>?
    var normalization: Stated<ViewNormalization>?
    var viewSize: Stated<[Int]>?
    /// What a configuration says of sizes that the tensors show too; they must agree.
    var statedSizes: [(name: String, field: KeyPath<BackboneSizes, Int>, stated: Stated<Int>)] = []
    /// Of a training checkpoint: whether the gains of its prototypes were learned.
    var learnsGain = false
}

/// A value that is not in the tensors, and who says it.
package struct Stated<Value> {
    package let value: Value
    /// To follow "says" or "as ... says".
    let source: String
}

extension RecognizedNetwork {
    /// Finds the network that is asked for.
    ///
    /// - Throws: `UserError` where the checkpoint holds no Vision Transformer that is known here, or not the part.
    init(in checkpoint: CheckpointFiles, part: CheckpointPart?) throws {
        // In this order: each origin claims what shows its own signs, the last one what is left.
        let origins: [any CheckpointOrigin.Type] = [
            HuggingFaceWeights.self, AuthorsCheckpoint.self, TimmWeights.self, DINOCheckpoint.self,
        ]
        for origin in origins {
            if let network = try origin.network(in: checkpoint, part: part) {
                self = network
                return
            }
        }
        let names = checkpoint.tensors.prefix(4).map(\.name).joined(separator: ", ")
        throw UserError(
            checkpoint.tensors.isEmpty
                ? "Cannot use \(checkpoint.path): there are no tensors in it."
                : "Cannot use \(checkpoint.path): its \(checkpoint.tensors.count) tensors (\(names) ...) have the names of no Vision "
                    + "Transformer that is known here. Known are those of SelfPatch's authors, DINO, timm, Hugging Face's ViT "
                    + "and DINOv2, and selfpatch.")
    }

    /// What a file would call one of our tensors: as in another block, where it has it there, else by its prefix.
    func spelling(of name: String) -> String {
        let start = "backbone."
        if let landmark = tensors[start + BackboneNames.landmark]?.name, landmark.hasSuffix(BackboneNames.landmark),
            name.hasPrefix(start)
        {
            return String(landmark.dropLast(BackboneNames.landmark.count)) + name.dropFirst(start.count)
        }
        let parts = name.split(separator: ".")
        guard parts.count > 3, parts[1] == "blocks", let number = Int(parts[2]) else { return name }
        let rest = parts.dropFirst(3).joined(separator: ".")
        for other in [0, 1] where other != number {
            guard let found = tensors["backbone.blocks.\(other).\(rest)"]?.name else { continue }
            let spelled = found.replacing(".\(other).", with: ".\(number).", maxReplacements: 1)
            return found.hasPrefix("\(other).") ? name : spelled
        }
        return name
    }
}

/// A family of checkpoints: how it is told from the others, what its tensors are called, and what they do not tell.
protocol CheckpointOrigin {
    /// The network that is asked for, or nil where the checkpoint is of another origin.
    ///
    /// - Throws: `UserError` where the checkpoint is of this origin, but not usable.
    static func network(in checkpoint: CheckpointFiles, part: CheckpointPart?) throws -> RecognizedNetwork?
}

/// One of the networks that a checkpoint may hold: the tensors of its backbone, and of what stands beside the backbone.
struct NetworkTensors {
    /// By what follows the backbone's prefix.
    let backbone: [String: StoredTensor]
    /// By what follows the network's prefix; empty unless there is a part called `backbone`.
    let beside: [String: StoredTensor]

    /// Finds networks by the name of the one tensor that each has, and takes the one that is asked for.
    ///
    /// - Returns: nil if no tensor has such a name.
    init?(in checkpoint: CheckpointFiles, part: CheckpointPart?, landmark: String) throws {
        let prefixes = checkpoint.tensors.map(\.name).filter { $0 == landmark || $0.hasSuffix("." + landmark) }
            .map { String($0.dropLast(landmark.count)) }
        guard !prefixes.isEmpty else { return nil }
        let prefix = try Self.chosen(prefixes, part, checkpoint.path)
        func below(_ prefix: String) -> [String: StoredTensor] {
            let found = checkpoint.tensors.filter { $0.name.hasPrefix(prefix) }
            return Dictionary(found.map { (String($0.name.dropFirst(prefix.count)), $0) }) { first, _ in first }
        }
        backbone = below(prefix)
        let own = "backbone."
        beside =
            prefix == own || prefix.hasSuffix("." + own)
            ? below(String(prefix.dropLast(own.count))).filter { !$0.key.hasPrefix(own) } : [:]
    }

    private static func chosen(_ prefixes: [String], _ part: CheckpointPart?, _ path: String) throws -> String {
        func ofPart(_ part: CheckpointPart) -> [String] { prefixes.filter { $0.hasPrefix(part.rawValue + ".") } }
        let isDivided = CheckpointPart.allCases.contains { !ofPart($0).isEmpty }
        let found = isDivided ? ofPart(part ?? .teacher) : prefixes
        if part == .student, !isDivided {
            throw UserError(
                "\(path) holds one network, neither called student nor teacher. Do not ask for the student.",
                kind: .usage)
        }
        guard let prefix = found.first else {
            throw UserError("\(path) holds no \((part ?? .teacher).rawValue).", kind: .usage)
        }
        guard found.count == 1 else {
            let names = found.map { $0.isEmpty ? "(no prefix)" : $0 }.joined(separator: ", ")
            throw UserError(
                "\(path) holds several networks, below \(names). Save the one that you want in a file of its own.")
        }
        return prefix
    }
}
