import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

@Suite struct WeightsExportTests {
    /// SelfPatch's own kind of network, small, on a grid that is not square.
    static let architecture = Architecture(
        width: 24, depth: 2, heads: 3, hiddenWidth: 40, patchSize: 4, positionGrid: Grid(rows: 4, columns: 5))

    static func network(_ architecture: Architecture = architecture, heads: HeadSizes? = nil) -> WeightsExport {
        let network = Network(architecture, heads: heads, seed: 5, device: .cpu)
        return WeightsExport(network, description(architecture, heads))
    }

    static func description(_ architecture: Architecture, _ heads: HeadSizes? = nil) -> WeightsDescription {
        WeightsDescription(
            architecture: architecture, heads: heads, hasPatchHead: heads != nil, mean: [0.5, 0.4, 0.3],
            deviation: [0.2, 0.3, 0.4], viewSize: [16, 20], steps: 7)
    }

    /// The network that `network` exports: it is drawn from the same seed.
    static func parameters(_ architecture: Architecture = architecture) -> [String: [Float]] {
        let network = Network(architecture, heads: nil, seed: 5, device: .cpu)
        return Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.name, $0.tensor.floats()) })
    }

    static func stored(_ path: String) throws -> [String: StoredTensor] {
        Dictionary(uniqueKeysWithValues: try CheckpointFiles(path: path).tensors.map { ($0.name, $0) })
    }

    @Test func ownFileComesBackToTheBitWithoutHeads() throws {
        try withTemporaryFolder { folder in
            let heads = HeadSizes(imagePrototypes: 8, patchPrototypes: 6, hiddenWidth: 10, bottleneck: 4)
            let sentences = try Self.network(heads: heads).write(as: .safetensors, to: folder.file("w.safetensors"))
            #expect(sentences.contains { $0.contains("projection heads") })
            let again = try LoadedWeights(path: folder.file("w.safetensors"), withProjectionHeads: true)
            #expect(again.description == Self.description(Self.architecture))
            let expected = Self.parameters()
            #expect(again.network.parameters.count == expected.count)
            for parameter in again.network.parameters {
                #expect(parameter.tensor.floats() == expected[parameter.name], "\(parameter.name)")
            }
        }
    }

    @Test func authorsFileComesBackToTheBit() throws {
        try withTemporaryFolder { folder in
            var square = Self.architecture
            square.positionGrid = Grid(rows: 5, columns: 5)
            let path = folder.file("w.pth")
            let sentences = try Self.network(square).write(as: .authors, to: path)
            #expect(sentences[0].contains("num_heads=3") && sentences.contains { $0.contains("aggregation") })
            let expected = Self.parameters(square).filter { $0.key.hasPrefix("backbone.") }
            let names = try CheckpointFiles(path: path).tensors.map(\.name)
            #expect(Set(names.map { "backbone." + $0 }) == Set(expected.keys) && names.count == expected.count)
            let again = try LoadedWeights(path: path, options: .init(heads: 3))
            #expect(again.description.origin == .authorsBackbone)
            #expect(again.description.architecture.positionGrid == square.positionGrid)
            for parameter in again.network.parameters {
                #expect(parameter.tensor.floats() == expected[parameter.name], "\(parameter.name)")
            }
        }
    }

    /// Whatever networks of timm's come in, go out: class token, registers, each place of the norm.
    @Test(arguments: [
        (false, 0, Architecture.FinalNorm.none, Architecture.ImageSummary.meanPatch), (false, 0, .pooled, .meanPatch),
        (true, 0, .tokens, .classToken), (true, 3, .tokens, .classToken), (true, 2, .tokens, .meanPatch),
        (false, 2, .pooled, .meanPatch), (true, 0, .none, .classToken), (false, 0, .tokens, .meanPatch),
    ])
    func timmFolderComesBackToTheBit(
        classToken: Bool, registers: Int, norm: Architecture.FinalNorm, summary: Architecture.ImageSummary
    ) throws {
        try withTemporaryFolder { folder in
            var wanted = Self.architecture
            wanted.hasClassToken = classToken
            wanted.registerCount = registers
            wanted.finalNorm = norm
            wanted.imageSummary = summary
            wanted.positionRule = .antialiasedSize
            let path = folder.file("timm")
            _ = try Self.network(wanted).write(as: .timm, to: path)
            let again = try LoadedWeights(path: path)
            #expect(again.description.origin == .timm && again.description.architecture == wanted)
            #expect(again.description.mean == [0.5, 0.4, 0.3] && again.description.viewSize == [16, 20])
            let expected = Self.parameters(wanted)
            #expect(again.network.parameters.count == expected.count)
            for parameter in again.network.parameters {
                #expect(parameter.tensor.floats() == expected[parameter.name], "\(parameter.name)")
            }
        }
    }

    /// timm multiplies and cuts the fraction off.
    @Test func ratioGivesTheHiddenWidth() throws {
        for (width, hidden) in [(24, 40), (48, 129), (384, 1536), (97, 291), (7, 23), (192, 511)] {
            let architecture = Architecture(width: width, depth: 1, heads: 1, hiddenWidth: hidden, patchSize: 4)
            let export = WeightsExport(
                Network(architecture, heads: nil, seed: 0, device: .cpu), Self.description(architecture))
            #expect(Int(Double(width) * export.hiddenRatio) == hidden, "\(width) to \(hidden)")
        }
    }

    @Test func mmsegmentationHasItsOwnNames() throws {
        try withTemporaryFolder { folder in
            let inLayer = [
                "ln1": "norm1", "ln2": "norm2", "attn.attn.out_proj": "attn.proj", "ffn.layers.0.0": "mlp.fc1",
                "ffn.layers.1": "mlp.fc2",
            ]
            var names = ["pos_embed": "pos_embed"]
            for end in ["weight", "bias"] {
                names["patch_embed.projection." + end] = "patch_embed.proj." + end
                for layer in 0..<2 {
                    names["layers.\(layer).attn.attn.in_proj_" + end] = "blocks.\(layer).attn.qkv." + end
                    for (theirs, ours) in inLayer {
                        names["layers.\(layer).\(theirs).\(end)"] = "blocks.\(layer).\(ours).\(end)"
                    }
                }
            }
            var doubled = Self.architecture
            doubled.hiddenWidth = 48
            let expected = Self.parameters(doubled)
            for format in [WeightsExport.Format.mmseg, .mmsegAuthors] {
                let path = folder.file("\(format.rawValue).pth")
                let sentences = try Self.network(doubled).write(as: format, to: path)
                #expect(sentences[0].contains("img_size=(16, 20)") && sentences[0].contains("num_heads=3"))
                // A whole number: mmsegmentation makes layers of the product, and PyTorch none of 48.0 features.
                #expect(sentences[0].contains("mlp_ratio=2, "))
                #expect(sentences[0].contains("patch_bias=True") == (format == .mmseg))
                let stored = try Self.stored(path)
                #expect(Set(stored.keys) == Set(names.keys).union(format == .mmseg ? ["cls_token"] : []))
                for (theirs, ours) in names {
                    var values = try #require(expected["backbone." + ours])
                    if format == .mmseg, ours == "pos_embed" {
                        values = [Float](repeating: 0, count: 24) + values
                        #expect(stored[theirs]?.shape == [1, 21, 24])
                    }
                    #expect(try stored[theirs]?.load().floats() == values, "\(theirs)")
                }
                if format == .mmseg {
                    #expect(try stored["cls_token"]?.load().floats() == [Float](repeating: 0, count: 24))
                }
            }
        }
    }

    @Test func whatAFormatHasNoPlaceForIsRefused() throws {
        var withToken = Self.architecture
        withToken.hasClassToken = true
        withToken.registerCount = 2
        withToken.finalNorm = .tokens
        try withTemporaryFolder { folder in
            for format in [WeightsExport.Format.authors, .mmsegAuthors, .mmseg] {
                let error = #expect(throws: UserError.self) {
                    try Self.network(withToken).write(as: format, to: folder.file("no"))
                }
                #expect(error?.kind == .usage && error?.message.contains("registers") == true)
                #expect(!FileManager.default.fileExists(atPath: folder.file("no")))
            }
            for format in [WeightsExport.Format.mmsegAuthors, .mmseg] {
                let error = #expect(throws: UserError.self) {
                    try Self.network().write(as: format, to: folder.file("no"))
                }
                #expect(error?.kind == .usage && error?.message.contains("40 is none of 24") == true)
                #expect(!FileManager.default.fileExists(atPath: folder.file("no")))
            }
        }
    }
}
