import Foundation
import SelfPatchFormats
import SelfPatchModel
import TestSupport
import Testing

/// Good containers with networks that cannot be: refused in words, or read as they are.
@Suite struct HostileNetworkGoldens {
    struct Manifest: Decodable {
        struct Case: Decodable, Sendable, CustomStringConvertible {
            let file, expect: String
            let reasons: [String]
            var description: String { file }
        }
        let cases: [Case]
    }

    struct Item: Sendable, CustomStringConvertible {
        let root: String
        let item: Manifest.Case
        var description: String { item.file }
    }

    static let items: [Item] = Goldens.folders(.checkpoints).flatMap { folder -> [Item] in
        guard let manifest = try? folder.decode(Manifest.self, from: "hostile/manifest.json") else { return [] }
        return manifest.cases.filter { $0.file.hasPrefix("networks/") }.map {
            Item(root: folder.file("hostile"), item: $0)
        }
    }

    @Test(.requires(Goldens.of(.checkpoints)), arguments: items)
    func networksThatCannotBeAreRefused(item: Item) throws {
        let path = item.root + "/" + item.item.file
        for options in [ForeignWeights.Options(), ForeignWeights.Options(heads: 1)] {
            do {
                let loaded = try LoadedWeights(path: path, options: options)
                #expect(item.item.expect != "refused", "\(loaded.notes)")
                #expect(loaded.network.parameters.allSatisfy { $0.tensor.isFinite })
            } catch let error as UserError {
                #expect(item.item.expect != "read", "\(error)")
                #expect(
                    error.message.contains((path as NSString).lastPathComponent)
                        || error.message.contains("config.json"))
                for (reason, words) in [
                    ("gated MLP", "gated MLP"), ("query-key norm", "norms on queries and keys"),
                    ("layer scale", "ls1.gamma"),
                    ("bad-configuration", "config.json"), ("not-finite", "no numbers"),
                ] where item.item.reasons.contains(reason) {
                    #expect(error.message.contains(words), "\(error)")
                }
            }
        }
    }
}
