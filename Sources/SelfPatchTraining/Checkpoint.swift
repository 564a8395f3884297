import Foundation
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors

/// All that is needed to go on with a run at the exact step: a safetensors file with what is trained and the optimizer's
/// moments, and the rest as JSON in its metadata.
package struct Checkpoint {
    package static let format = "selfpatch checkpoint 1"

    /// What a checkpoint holds beside tensors.
    package struct State: Codable, Equatable, Sendable {
        /// Steps done.
        package var step: Int
        /// AdamW's updates of each tensor, in its own order.
        package var counters: [Int]
        /// What a pretraining run has seen of itself; nil in other runs.
        package var health: Health?
        /// The images: how many, and a checksum of their names, since their order decides what is drawn.
        package var images: Int
        package var imageNames: String
        /// Where it was computed: on other machines the last digits differ.
        package var machine: Machine

        package init(
            step: Int, counters: [Int], health: Health? = nil, images: Int, imageNames: String, machine: Machine
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
    package struct Machine: Codable, Equatable, Sendable {
        package var device: String
        package var precision: String
        package var threads: Int
        package var processor: String
    }

    package let file: SafetensorsFile
    package let state: State

    /// Opens a checkpoint and verifies it to the last byte.
    ///
    /// - Throws: `UserError` if it is damaged, cut short, or something else.
    package init(path: String) throws {
        file = try SafetensorsFile(path: path)
        try file.verifyChecksum()
        guard file.metadata["checkpoint"] == Self.format, let text = file.metadata["state"],
            let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8))
        else {
            throw UserError("Cannot go on from \(path): it is no checkpoint of this version of the program.")
        }
        self.state = state
    }

    /// Writes a learner's checkpoint.
    ///
    /// - Parameter description: of the networks, so that the file can be used as weights too.
    package static func save(
        _ learner: Learner, _ state: State, _ description: WeightsDescription, in folder: RunFolder,
        keeping settings: RunSettings, interval: Int
    ) throws {
        try save(
            learner.state, state, metadata: description.metadata(), in: folder, keeping: settings, interval: interval)
    }

    /// Writes a checkpoint: file first, then the pointer, then the old ones go.
    ///
    /// - Parameters:
    ///   - metadata: what else the file says of itself.
    ///   - interval: steps from one planned checkpoint to the next; 0 if there are none.
    /// - Throws: `UserError` if it cannot be written, or if a weight is not a number; earlier checkpoints are intact then.
    package static func save(
        _ tensors: [NamedTensor], _ state: State, metadata: [String: String], in folder: RunFolder,
        keeping settings: RunSettings, interval: Int
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var metadata = metadata
        metadata["checkpoint"] = format
        metadata["state"] = String(decoding: try encoder.encode(state), as: UTF8.self)
        let path = folder.checkpointFile(after: state.step)
        do {
            try requireFinite(tensors, state)
            try SafetensorsWriter.write(
                tensors.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }, metadata: metadata, to: path)
            let name = (path as NSString).lastPathComponent
            try AtomicFile.write(Data((name + "\n").utf8), to: folder.latestFile)
        } catch let error as UserError {
            guard let last = try folder.checkpoints().first else { throw error }
            throw UserError("\(error.message) Whole, after \(last.step) steps: \(last.path)", kind: error.kind)
        }
        try removeOld(in: folder, settings, interval: interval)
    }

    private static func requireFinite(_ tensors: [NamedTensor], _ state: State) throws {
        for named in tensors where !named.tensor.isFinite {
            throw UserError(
                "After \(state.step) steps \(named.name) holds values that are no numbers; this state is not saved, and the last "
                    + "good checkpoint is kept. Start again with a lower learning rate, or with precision float32.")
        }
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
    package static func newest(in folder: RunFolder) throws -> (checkpoint: Checkpoint?, complaints: [String]) {
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

    /// Overwrites tensors of the same names and shapes.
    package func restore(_ tensors: [NamedTensor]) throws { try WeightsFile.restore(tensors, from: file) }

    /// Puts everything back into a fresh learner of the same settings.
    package func restore(_ learner: Learner) throws {
        let state = learner.state
        try restore(state.filter { !$0.name.hasPrefix("center.") })
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
        learner.objective.restoreCenters(image: image, patch: try center("center.patch"))
        learner.optimizer.restore(counters: self.state.counters)
    }
}

extension Checkpoint.State {
    /// Refuses to go on with other images than those that the run began with.
    ///
    /// - Parameters:
    ///   - checksum: of the names; see `ImageSource.namesChecksum`.
    ///   - folder: where they lie, for the message.
    package func requireImages(_ count: Int, checksum: String, in folder: String) throws {
        guard count != images || checksum != imageNames else { return }
        let difference =
            count == images
            ? "their number is the same, \(images), but other names are among them"
            : "there were \(images) and are \(count) now"
        throw UserError(
            "The images in \(folder) are not those that the run began with: \(difference). Their order decides what each step "
                + "sees, so the run cannot go on. Put the images back as they were (a copy elsewhere will do), or begin a new "
                + "run.")
    }
}

extension Checkpoint.Machine {
    /// The machine that this process runs on.
    package init(device: Device, precision: Precision) {
        self.device = "\(device)"
        self.precision = precision.rawValue
        threads = Libtorch.threadCount
        processor = Self.processorName() + ", " + Libtorch.cpuCapability
    }

    /// What may differ in the last digits when a run of `other` goes on here, in words; nil if nothing does.
    package func difference(from other: Checkpoint.Machine) -> String? {
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
