import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

/// One checkpoint of each origin, and the features that its own program gives: every size, name, head and rule comes from the
/// golden's JSON.
@Suite struct CheckpointGoldens {
    struct Case: Decodable {
        struct Architecture: Decodable {
            let width, heads, depth, patch_size, channels: Int
            let mlp_ratio, epsilon: Double
            let position_grid: [Int]
            let class_token, final_norm: Bool
            let register_tokens: Int
            let pooled_norm: Bool?
            let aggregation: Aggregation?
        }
        struct Aggregation: Decodable { let blocks: Int }
        struct Normalisation: Decodable { let mean, std: [Double] }
        struct Size: Decodable { let images, height, width: Int }
        struct Output: Decodable {
            let tensor, network, size, kind: String
            let shape: [Int]
        }
        struct Tolerance: Decodable { let relative: Double }
        let files, networks: [String]
        let architecture: Architecture
        let heads_from, position_rule: String
        let normalisation: Normalisation
        let sizes: [String: Size]
        let outputs: [Output]
        let tolerance: Tolerance
        let features: String
    }

    struct Folder: Sendable, CustomStringConvertible {
        let root: String
        let name: String
        var path: String { root + "/" + name }
        var description: String { name }
    }

    static let folders: [Folder] = Goldens.folders(.checkpoints).flatMap { root -> [Folder] in
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return files.filter { $0.hasSuffix("expected.json") }.sorted().map {
            Folder(root: root.path, name: String($0.dropLast("/expected.json".count)))
        }
    }

    static func read(_ folder: Folder) throws -> Case {
        try JSONDecoder().decode(Case.self, from: Data(contentsOf: URL(filePath: folder.path + "/expected.json")))
    }

    static func options(_ item: Case, _ network: String) -> ForeignWeights.Options {
        ForeignWeights.Options(
            part: CheckpointPart(rawValue: network), heads: item.heads_from == "option" ? item.architecture.heads : nil)
    }

    @Test(.requires(Goldens.of(.checkpoints)), arguments: folders)
    func featuresAreThoseOfTheOrigin(folder: Folder) throws {
        let item = try Self.read(folder)
        let expected = try SafetensorsFile(path: folder.path + "/" + item.features).tensors()
        #expect(!item.outputs.isEmpty)
        for name in item.networks {
            let loaded = try LoadedWeights(path: folder.path + "/" + item.files[0], options: Self.options(item, name))
            try compare(loaded, name, item, expected)
        }
        // A folder may be named as well as the file in it.
        let network = item.networks[0]
        let byFolder = try LoadedWeights(path: folder.path, options: Self.options(item, network)).network
        let byFile = try LoadedWeights(path: folder.path + "/" + item.files[0], options: Self.options(item, network))
            .network
        for (a, b) in zip(byFolder.parameters, byFile.parameters) { #expect(a.tensor.floats() == b.tensor.floats()) }
    }

    private func compare(
        _ loaded: LoadedWeights, _ name: String, _ item: Case, _ expected: [String: Tensor]
    ) throws {
        let normalize = ViewNormalization(mean: loaded.description.mean, deviation: loaded.description.deviation)
        var seen: [String: Network.Features] = [:]
        for output in item.outputs where output.network == name {
            if seen[output.size] == nil {
                let images = try #require(expected["images.\(output.size)"]).permuted([0, 3, 1, 2])
                seen[output.size] = loaded.network.features(of: normalize(images))
            }
            let features = try #require(seen[output.size])
            let ours: Tensor?
            switch output.kind {
            case "patches": ours = features.patches
            case "class": ours = features.classToken
            case "registers": ours = features.registers
            case "summary", "pooled": ours = features.imageSummary
            default: ours = nil
            }
            let theirs = try #require(expected[output.tensor], "\(output.tensor)")
            let found = try #require(ours, "\(output.tensor): there are no features of the kind \(output.kind)")
            #expect(found.shape == output.shape, "\(output.tensor)")
            let difference = largestDifference(found, theirs)
            #expect(difference <= item.tolerance.relative * largest(theirs), "\(output.tensor): \(difference)")
        }
    }

    @Test(.requires(Goldens.of(.checkpoints)), arguments: folders)
    func descriptionsSayWhatTheGoldenSays(folder: Folder) throws {
        let item = try Self.read(folder)
        for name in item.networks {
            let description = try ForeignWeights(
                CheckpointFiles(path: folder.path), options: Self.options(item, name)
            ).description
            let (ours, theirs) = (description.architecture, item.architecture)
            #expect(ours.width == theirs.width && ours.depth == theirs.depth && ours.heads == theirs.heads)
            #expect(ours.hiddenWidth == Int((theirs.mlp_ratio * Double(theirs.width)).rounded()))
            #expect(ours.patchSize == theirs.patch_size && ours.channels == theirs.channels)
            #expect(ours.normEpsilon == theirs.epsilon)
            #expect([ours.positionGrid.rows, ours.positionGrid.columns] == theirs.position_grid)
            #expect(ours.positionRule.rawValue == item.position_rule)
            #expect(ours.hasClassToken == theirs.class_token && ours.registerCount == theirs.register_tokens)
            #expect((ours.finalNorm == .tokens) == theirs.final_norm)
            #expect((ours.finalNorm == .pooled) == (theirs.pooled_norm ?? false))
            #expect((ours.imageSummary == .aggregation) == (theirs.aggregation != nil))
            #expect(description.mean == item.normalisation.mean && description.deviation == item.normalisation.std)
        }
    }

    /// Written as ours and read again: the same network, to the bit, with nothing to be told any more.
    @Test(.requires(Goldens.of(.checkpoints)), arguments: folders)
    func importedWeightsComeBackToTheBit(folder: Folder) throws {
        let item = try Self.read(folder)
        try withTemporaryFolder { place in
            for name in item.networks {
                let imported = try LoadedWeights(
                    path: folder.path, options: Self.options(item, name), withProjectionHeads: true)
                let path = place.file("\(name).safetensors")
                try WeightsFile.write(imported.network, imported.description, to: path)
                let again = try LoadedWeights(path: path, withProjectionHeads: true)
                #expect(again.description == imported.description && again.notes.isEmpty)
                #expect(again.network.parameters.map(\.name) == imported.network.parameters.map(\.name))
                for (a, b) in zip(again.network.parameters, imported.network.parameters) {
                    #expect(a.tensor.floats() == b.tensor.floats(), "\(a.name)")
                }
                let isTraining = imported.description.origin == .authorsTraining
                #expect((imported.network.imageHead != nil) == isTraining)
            }
        }
    }
}
