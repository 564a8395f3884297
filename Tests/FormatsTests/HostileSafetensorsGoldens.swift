import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// The golden folder's hostile files: each must be refused by a sentence that names it, and the sound ones read.
@Suite struct HostileSafetensorsGoldens {
    struct Manifest: Decodable {
        struct Case: Decodable {
            struct Tensors: Decodable {}
            let file: String
            let expect: String
            let about: String
            let tensors: [String: [Int]]?
        }
        let cases: [Case]
    }

    static let material: Material = {
        let folders = Goldens.folders(.checkpoints).map { $0.file("hostile") }
        if let first = folders.first(where: { FileManager.default.fileExists(atPath: $0 + "/manifest.json") }) {
            return .present(first)
        }
        return .absent(
            "There are no goldens of hostile checkpoints (checkpoints/hostile).",
            chosen: environment("SELFPATCH_GOLDEN") != nil)
    }()

    @Test(.requires(material))
    func everyFileIsRefusedOrReadAsItShould() throws {
        let folder = try #require(Self.material.path)
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder + "/manifest.json")))
        let cases = manifest.cases.filter {
            $0.file.hasPrefix("safetensors/") || ($0.file.hasPrefix("controls/") && $0.file.hasSuffix(".safetensors"))
        }
        #expect(!cases.isEmpty)
        for example in cases {
            let path = folder + "/" + example.file
            do {
                let file = try SafetensorsFile(path: path)
                #expect(example.expect != "refused", "\(example.file) was read: \(example.about)")
                for (name, shape) in example.tensors ?? [:] { #expect(file[name]?.shape == shape, "\(name)") }
            } catch let error as UserError {
                #expect(example.expect != "read", "\(error.message)")
                #expect(error.message.contains(path) && error.kind == .failure)
                #expect(error.message.utf8.count < 600, "\(error.message)")
            }
        }
    }

    @Test(.requires(material))
    func theSoundFilesHaveTheExpectedValues() throws {
        let folder = try #require(Self.material.path)
        let expected = try SafetensorsFile(path: folder + "/controls-expected.safetensors")
        let file = try SafetensorsFile(path: folder + "/controls/all.safetensors")
        if environment("SELFPATCH_GOLDEN") == nil { #expect(file.metadata == ["step": "7", "note": "ü ☃"]) }
        for entry in file.entries where entry.elementType != .bf16 {
            let wanted = try #require(
                expected["controls/all.safetensors/\(entry.name)"] ?? expected["all.safetensors/\(entry.name)"])
            #expect(wanted.shape == entry.shape)
            guard wanted.elementType == entry.elementType else { continue }
            #expect(
                file.withBytes(of: entry) { Array($0) } == expected.withBytes(of: wanted) { Array($0) }, "\(entry.name)"
            )
        }
    }
}
