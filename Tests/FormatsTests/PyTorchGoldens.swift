import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// The golden checkpoints of the authors and of DINO, opened: names and shapes as their descriptions say.
@Suite struct PyTorchGoldens {
    struct Description: Decodable {
        struct Architecture: Decodable {
            let width: Int
            let depth: Int
            let mlp_ratio: Double
            let patch_size: Int
            let channels: Int
            let position_grid: [Int]
            let position_has_class: Bool
            let class_token: Bool
            let final_norm: Bool
        }
        let files: [String]
        let file_kind: String
        let networks: [String]
        let architecture: Architecture
    }

    struct Folder: Sendable, CustomStringConvertible {
        let path: String
        var description: String { URL(filePath: path).lastPathComponent }
    }

    /// Folders with a PyTorch checkpoint, in all roots of goldens.
    static let folders: [Folder] = Goldens.folders(.checkpoints).flatMap { root -> [Folder] in
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        return files.filter { $0.hasSuffix("expected.json") }.sorted().map {
            Folder(path: root.path + "/" + $0.dropLast("/expected.json".count))
        }.filter { (try? description(of: $0).file_kind.hasPrefix("pytorch")) == true }
    }

    static func description(of folder: Folder) throws -> Description {
        try JSONDecoder().decode(
            Description.self, from: Data(contentsOf: URL(filePath: folder.path + "/expected.json")))
    }

    @Test(.requires(Goldens.of(.checkpoints)), arguments: folders)
    func treesHaveTheDescribedNamesAndShapes(folder: Folder) throws {
        let description = try Self.description(of: folder)
        let file = try PyTorchFile(path: folder.path + "/" + description.files[0])
        try file.verifyChecksums()
        #expect(file.container == (description.file_kind == "pytorch-zip" ? .zip : .legacy))
        #expect(Set(file.entries.map(\.name)).count == file.entries.count)
        for network in description.networks {
            let part = network.isEmpty ? file.root : try #require(file.root[network])
            let shapes = Dictionary(
                uniqueKeysWithValues: try file.entries(below: part).map { (plain($0.name), $0.tensor.shape) })
            for (name, shape) in expectedShapes(description.architecture) {
                #expect(shapes[name] == shape, "\(network): \(name)")
            }
            let blocks = Set(shapes.keys.filter { $0.hasPrefix("blocks.") }.map { $0.split(separator: ".")[1] })
            #expect(blocks.count == description.architecture.depth)
            for tensor in try file.entries(below: part).map(\.tensor) where tensor.elementType == .f32 {
                let isFinite = try file.withContiguousBytes(of: tensor) { bytes in
                    (0..<tensor.count).allSatisfy {
                        bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self).isFinite
                    }
                }
                #expect(isFinite)
            }
        }
    }

    @Test(.requires(Goldens.of(.checkpoints)), arguments: folders)
    func trainingCheckpointsTellTheirSettings(folder: Folder) throws {
        let description = try Self.description(of: folder)
        guard description.networks.contains("teacher") else { return }
        let file = try PyTorchFile(path: folder.path + "/" + description.files[0])
        guard case .object(let arguments)? = file.root["args"] else {
            Issue.record("args is no object: \(file.root["args"].map(String.init(describing:)) ?? "missing")")
            return
        }
        #expect(arguments.className == "argparse.Namespace")
        #expect(file.root["args"]?["patch_size"] == .int(description.architecture.patch_size))
        guard case .int? = file.root["epoch"] else {
            Issue.record("epoch is no integer")
            return
        }
        // The learning rate is a numpy scalar; it comes as the number that it is.
        guard case .list(let groups)? = file.root["optimizer"]?["param_groups"],
            case .double(let rate)? = groups[0]["lr"]
        else {
            Issue.record("the optimizer's learning rate is no number")
            return
        }
        #expect(rate >= 0 && rate < 1)
    }

    /// The older format's golden holds the weights of the zip file's.
    @Test(.requires(Goldens.of(.checkpoints)))
    func bothContainersGiveTheSameValues() throws {
        for root in Goldens.folders(.checkpoints) {
            let paths = [root.file("legacy/backbone.pth"), root.file("selfpatch-backbone/backbone.pth")]
            guard paths.allSatisfy(FileManager.default.fileExists) else { continue }
            let files = try paths.map(PyTorchFile.init(path:))
            #expect(files[0].container == .legacy && files[1].container == .zip)
            #expect(files[0].entries.map(\.name) == files[1].entries.map(\.name))
            for (a, b) in zip(files[0].entries, files[1].entries) {
                #expect(a.tensor.shape == b.tensor.shape)
                let left = try files[0].withContiguousBytes(of: a.tensor) { Array($0) }
                #expect(try files[1].withContiguousBytes(of: b.tensor) { $0.elementsEqual(left) }, "\(a.name)")
            }
        }
    }

    /// The backbone's own name, whatever stands before it in a training checkpoint.
    private func plain(_ name: String) -> String {
        for prefix in ["module.backbone.", "backbone."] where name.hasPrefix(prefix) {
            return String(name.dropFirst(prefix.count))
        }
        return name
    }

    private func expectedShapes(_ sizes: Description.Architecture) -> [String: [Int]] {
        let width = sizes.width
        let hidden = Int((Double(width) * sizes.mlp_ratio).rounded())
        let positions = sizes.position_grid.reduce(1, *) + (sizes.position_has_class ? 1 : 0)
        var shapes: [String: [Int]] = [
            "pos_embed": [1, positions, width],
            "patch_embed.proj.weight": [width, sizes.channels, sizes.patch_size, sizes.patch_size],
            "patch_embed.proj.bias": [width],
        ]
        if sizes.class_token { shapes["cls_token"] = [1, 1, width] }
        if sizes.final_norm { shapes["norm.weight"] = [width] }
        for block in 0..<sizes.depth {
            let start = "blocks.\(block)."
            for norm in ["norm1", "norm2"] {
                shapes[start + norm + ".weight"] = [width]
                shapes[start + norm + ".bias"] = [width]
            }
            let layers = [
                ("attn.qkv", [3 * width, width]), ("attn.proj", [width, width]), ("mlp.fc1", [hidden, width]),
                ("mlp.fc2", [width, hidden]),
            ]
            for (layer, shape) in layers {
                shapes[start + layer + ".weight"] = shape
                shapes[start + layer + ".bias"] = [shape[0]]
            }
        }
        return shapes
    }
}
