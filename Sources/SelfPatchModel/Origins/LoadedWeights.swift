import SelfPatchFormats
import SelfPatchTensors

/// Weights of this program or of another, read: a network to be used.
public struct LoadedWeights {
    public let network: Network
    public let description: WeightsDescription
    /// What was found and decided about weights of another program, in sentences; empty for our own.
    public let notes: [String]
    /// The file that they came from.
    public let path: String

    /// Reads what weights can be read from, whoever wrote it.
    ///
    /// - Parameters:
    ///   - path: a file of tensors, or a folder with one.
    ///   - options: what our own files say themselves is not asked.
    ///   - withProjectionHeads: also read the projection heads, where there are some.
    /// - Throws: `UserError` where the path does not hold what is asked for, or is not understood.
    public init(
        path: String, options: ForeignWeights.Options = .init(), withProjectionHeads: Bool = false,
        device: Device = .cpu
    ) throws {
        let checkpoint = try CheckpointFiles(path: path)
        self.path = checkpoint.path
        guard let file = checkpoint.safetensors, WeightsDescription.isIn(file) else {
            let weights = try ForeignWeights(checkpoint, options: options)
            description = weights.description
            notes = weights.notes
            network = try weights.network(withHeads: withProjectionHeads, device: device)
            return
        }
        let isCheckpoint = file.metadata["checkpoint"] != nil
        guard isCheckpoint || options.part != .student else {
            throw UserError(
                "\(file.path) holds the teacher alone. The student is in the run's checkpoints: name the run's folder.",
                kind: .usage)
        }
        let part = options.part ?? .teacher
        (network, description) = try WeightsFile.read(
            file.path, prefix: isCheckpoint ? "\(part.rawValue)." : "", withHeads: withProjectionHeads, device: device)
        notes = []
        if let heads = options.heads, heads != description.architecture.heads {
            throw UserError(
                "--heads is \(heads), but \(file.path) says \(description.architecture.heads). Leave --heads out.",
                kind: .usage)
        }
    }
}
