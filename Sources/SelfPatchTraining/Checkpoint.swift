import Foundation
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors

/// All that is needed to go on with a run at the exact step: a safetensors file with student, teacher, centers and the
/// optimizer's moments, and the rest as JSON in its metadata.
public struct Checkpoint {
    public static let format = "selfpatch checkpoint 1"

    /// What a checkpoint holds beside tensors.
    public struct State: Codable, Equatable, Sendable {
        /// Steps done.
        public var step: Int
        /// AdamW's updates of each tensor, in its own order.
        public var counters: [Int]
        public var health: Health
        /// The images: how many, and a checksum of their names, since their order decides what is drawn.
        public var images: Int
        public var imageNames: String
        /// Where it was computed: on other machines the last digits differ.
        public var machine: Machine

        public init(
            step: Int, counters: [Int], health: Health, images: Int, imageNames: String, machine: Machine
        ) {
            self.step = step
            self.counters = counters
            self.health = health
            self.images = images
            self.imageNames = imageNames
            self.machine = machine
        }
    }

    /// What decides the last digits of sums and products.
    public struct Machine: Codable, Equatable, Sendable {
        public var device: String
        public var precision: String
        public var threads: Int
        public var processor: String
    }

    public let file: SafetensorsFile
    public let state: State

    /// Opens a checkpoint and verifies it to the last byte.
    ///
    /// - Throws: `UserError` if it is damaged, cut short, or something else.
    public init(path: String) throws {
        file = try SafetensorsFile(path: path)
        try file.verifyChecksum()
        guard file.metadata["checkpoint"] == Self.format, let text = file.metadata["state"],
            let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8))
        else {
            throw UserError("Cannot go on from \(path): it is no checkpoint of this version of the program.")
        }
        self.state = state
    }

    /// Writes a checkpoint: file first, then the pointer, then the old ones go.
    ///
    /// - Parameters:
    ///   - description: of the networks, so that the file can be used as weights too.
    ///   - interval: steps from one planned checkpoint to the next; 0 if there are none.
    /// - Throws: `UserError` if it cannot be written, or if a weight is not a number; earlier checkpoints are intact then.
    public static func save(
        _ learner: Learner, _ state: State, _ description: WeightsDescription, in folder: RunFolder,
        keeping settings: RunSettings, interval: Int
    ) throws {
        for named in learner.state where !named.tensor.isFinite {
            throw UserError(
                "After \(state.step) steps \(named.name) holds values that are no numbers; this state is not saved, and the last "
                    + "good checkpoint is kept. Start again with a lower optimizer.learningRate, or with precision float32."
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = try description.metadata()
        metadata["checkpoint"] = format
        metadata["state"] = String(decoding: try encoder.encode(state), as: UTF8.self)
        let path = folder.checkpointFile(after: state.step)
        try SafetensorsWriter.write(
            learner.state.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }, metadata: metadata, to: path
        )
        let name = (path as NSString).lastPathComponent
        try AtomicFile.write(Data((name + "\n").utf8), to: folder.latestFile)
        try removeOld(in: folder, settings, interval: interval)
    }

    /// Keeps the newest ones and those whose place among all planned ones is a multiple of `keepEvery`.
    private static func removeOld(in folder: RunFolder, _ settings: RunSettings, interval: Int) throws {
        let stays = interval * settings.keepEvery
        for old in try folder.checkpoints().dropFirst(settings.keepNewest) where stays == 0 || old.step % stays != 0 {
            unlink(old.path)
        }
    }

    /// The newest checkpoint that is whole.
    ///
    /// - Returns: it, or nil if there is none at all; and a sentence for each newer one that could not be used.
    /// - Throws: `UserError` if there are checkpoints, but none that can be used.
    public static func newest(in folder: RunFolder) throws -> (checkpoint: Checkpoint?, complaints: [String]) {
        var complaints: [String] = []
        for candidate in try folder.checkpoints() {
            do {
                return (try Checkpoint(path: candidate.path), complaints)
            } catch let error as UserError {
                complaints.append(error.message)
            }
        }
        guard complaints.isEmpty else {
            throw UserError(
                "None of the checkpoints in \(folder.checkpointFolder) can be used:\n  "
                    + complaints.joined(separator: "\n  "))
        }
        return (nil, [])
    }

    /// Puts everything back into a fresh learner of the same settings.
    public func restore(_ learner: Learner) throws {
        let state = learner.state
        try WeightsFile.restore(state.filter { !$0.name.hasPrefix("center.") }, from: file)
        func center(_ name: String) throws -> Tensor? {
            guard let wanted = state.first(where: { $0.name == name }) else { return nil }
            guard let entry = file[name], entry.shape == wanted.tensor.shape, entry.elementType == .f32 else {
                throw UserError("\(file.path) does not fit the run: it lacks \(name) of shape \(wanted.tensor.shape).")
            }
            return Tensor.load(entry, from: file).moved(to: wanted.tensor.device)
        }
        guard let image = try center("center.image"), self.state.counters.count == learner.optimizer.counters.count
        else {
            throw UserError("\(file.path) does not fit the run: it was made by another network.")
        }
        learner.restoreCenters(image: image, patch: try center("center.patch"))
        learner.optimizer.restore(counters: self.state.counters)
    }
}

extension Checkpoint.Machine {
    /// The machine that this process runs on.
    public init(device: Device, precision: Precision) {
        self.device = "\(device)"
        self.precision = precision.rawValue
        threads = Libtorch.threadCount
        processor = Self.processorName() + ", " + Libtorch.cpuCapability
    }

    /// What may differ in the last digits when a run of `other` goes on here, in words; nil if nothing does.
    public func difference(from other: Checkpoint.Machine) -> String? {
        var parts: [String] = []
        if device != other.device { parts.append("on \(other.device), now on \(device)") }
        if precision != other.precision { parts.append("in \(other.precision), now in \(precision)") }
        if threads != other.threads { parts.append("with \(other.threads) threads, now with \(threads)") }
        if processor != other.processor { parts.append("on \(other.processor), now on \(processor)") }
        guard !parts.isEmpty else { return nil }
        return
            "The run was computed \(parts.joined(separator: "; ")). It goes on, but its numbers will not be, digit for digit, "
            + "those of a run that never stopped."
    }

    private static func processorName() -> String {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
            let name = line.split(separator: ":").last
        else { return "unknown processor" }
        return name.trimmingCharacters(in: .whitespaces)
    }
}
