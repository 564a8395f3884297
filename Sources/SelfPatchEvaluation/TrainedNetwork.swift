import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A network to be used, found by what a person names: a run's folder, or weights of this program or another.
package struct TrainedNetwork {
    /// Which of a run's networks is meant.
    package enum Part: String, CaseIterable, Codable, Sendable {
        /// What a run delivers.
        case teacher
        /// What the gradients move; after a short run it is often ahead of the teacher.
        case student
        /// The network before the first step: as it was drawn, or with the weights that the run began with.
        case untrained
    }

    package let network: Network
    package let description: WeightsDescription
    /// The file that it came from.
    package let path: String
    package let part: Part
    /// What was found and decided about weights of another program, in sentences; empty for our own.
    package let notes: [String]

    /// - Parameters:
    ///   - path: the folder of a run, finished or not; a file of weights or a checkpoint, ours or of an origin that is known; or
    ///     a folder that holds such a file and its configuration.
    ///   - heads: the number of attention heads, where neither the file nor a configuration beside it tells it.
    ///   - allowsMissing: see `ForeignWeights.Options`.
    ///   - withProjectionHeads: also read the projection heads, where there are some.
    /// - Throws: `UserError` where the path does not hold the part that is asked for, or is not understood.
    package init(
        path: String, part: Part = .teacher, heads: Int? = nil, allowsMissing: Bool = false,
        withProjectionHeads: Bool = false, device: Device
    ) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw UserError("\(path) is not there. Name a weights file or the folder of a run.", kind: .usage)
        }
        self.part = part
        if part == .untrained {
            guard isFolder.boolValue else {
                throw UserError(
                    "\(path) is a file; the untrained network is drawn anew from a run's settings, so name the run's folder.",
                    kind: .usage)
            }
            (network, description) = try Self.drawn(for: RunFolder(existing: path), device: device)
            self.path = path
            notes = []
            return
        }
        let file = RunFolder.isRun(path) ? try Self.file(in: RunFolder(existing: path), part: part) : path
        let loaded = try LoadedWeights(
            path: file,
            options: .init(
                part: part == .student ? .student : .teacher, heads: heads, allowsMissing: allowsMissing),
            withProjectionHeads: withProjectionHeads, device: device)
        self.path = loaded.path
        (network, description, notes) = (loaded.network, loaded.description, loaded.notes)
    }

    /// What it is, for the head of a table: "teacher of runs/photos/weights.safetensors, 500 steps".
    package var title: String {
        description.origin == .selfpatch
            ? "\(part.rawValue) of \(path), \(description.steps) steps" : "\(path), \(description.origin)"
    }

    /// Takes features with this network's own view and normalisation.
    package func extractor(batchSize: Int = 64) -> FeatureExtractor {
        FeatureExtractor(network: network, description: description, batchSize: batchSize)
    }

    /// Takes features of views of another size than those of the training; nil: of theirs.
    ///
    /// - Throws: `UserError` where a view holds no patch.
    package func extractor(view: ViewSize?, batchSize: Int = 64) throws -> FeatureExtractor {
        let own = extractor(batchSize: batchSize)
        guard let view else { return own }
        let side = description.architecture.patchSize
        guard view.height >= side, view.width >= side else {
            throw UserError(
                "Views of \(view.height) x \(view.width) pixels hold no patch of \(side) x \(side).", kind: .usage)
        }
        return FeatureExtractor(
            network: network, view: view, normalization: own.normalization, batchSize: batchSize)
    }

    /// A number of blocks that the network has.
    ///
    /// - Throws: `UserError` where it has fewer.
    package func checkedBlocks(_ count: Int) throws -> Int {
        let depth = description.architecture.depth
        guard 1...depth ~= count else {
            throw UserError("\(count) blocks were asked for; the network of \(path) has \(depth).", kind: .usage)
        }
        return count
    }

    private static func file(in folder: RunFolder, part: Part) throws -> String {
        if part == .teacher, FileManager.default.fileExists(atPath: folder.weightsFile) { return folder.weightsFile }
        guard let newest = try Checkpoint.newest(in: folder).checkpoint else {
            throw UserError("\(folder.path) holds a run without checkpoints so far: there are no weights to use yet.")
        }
        return newest.file.path
    }

    private static func drawn(for folder: RunFolder, device: Device) throws -> (Network, WeightsDescription) {
        var tree = try SettingsTree(encoding: PretrainSettings())
        try tree.overlay(file: folder.settingsFile)
        let settings = try tree.decode(PretrainSettings.self)
        let network = Network(settings.architecture, heads: nil, seed: settings.seed, device: device)
        try InitialWeights(settings)?.fill(network)
        return (network, settings.description(steps: 0))
    }
}

extension FeatureExtractor {
    /// With the view and the normalisation that the weights were trained with.
    package init(network: Network, description: WeightsDescription, batchSize: Int = 64) {
        self.init(
            network: network, view: ViewSize(height: description.viewSize[0], width: description.viewSize[1]),
            normalization: ViewNormalization(mean: description.mean, deviation: description.deviation),
            batchSize: batchSize)
    }
}

extension PretrainSettings {
    /// What weights of a run with these settings say of themselves.
    package func description(steps: Int) -> WeightsDescription {
        WeightsDescription(
            architecture: architecture, heads: heads, hasPatchHead: objective.hasPatchLoss, mean: views.mean,
            deviation: views.deviation, viewSize: [views.globalSize.height, views.globalSize.width], steps: steps)
    }
}
