import Foundation
import SelfPatchFormats
import Testing

/// The golden folder's hostile files: each must be refused by a sentence that names it, and the sound ones read.
@Suite struct HostileSafetensorsTests {
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

    static let folder: String? = {
        let environment = ProcessInfo.processInfo.environment
        let places = [
            environment["SELFPATCH_GOLDEN"].map { $0 + "/checkpoints/hostile" },
            (environment["SELFPATCH_SHARED"] ?? "../shared") + "/golden/checkpoints/hostile",
        ]
        return places.compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0 + "/manifest.json") }
    }()

    @Test(.enabled(if: folder != nil, "the golden folder of hostile checkpoints is not here"))
    func everyFileIsRefusedOrReadAsItShould() throws {
        let folder = try #require(Self.folder)
        let manifest = try JSONDecoder().decode(
            Manifest.self, from: Data(contentsOf: URL(filePath: folder + "/manifest.json")))
        let cases = manifest.cases.filter {
            $0.file.hasPrefix("safetensors/") || ($0.file.hasPrefix("controls/") && $0.file.hasSuffix(".safetensors"))
        }
        #expect(cases.count >= 40)
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

    @Test(.enabled(if: folder != nil, "the golden folder of hostile checkpoints is not here"))
    func theSoundFilesHaveTheExpectedValues() throws {
        let folder = try #require(Self.folder)
        let expected = try SafetensorsFile(path: folder + "/controls-expected.safetensors")
        let file = try SafetensorsFile(path: folder + "/controls/all.safetensors")
        #expect(file.metadata == ["step": "7", "note": "ü ☃"])
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
