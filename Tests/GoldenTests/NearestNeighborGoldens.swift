import Foundation
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors
import TestSupport
import Testing

/// Weighted k-NN against the figures of DINO's own evaluation; see the golden's README for what that leaves open.
@Suite struct NearestNeighborGoldens {
    struct File: Decodable {
        let kind: String
        let cases: [Case]
    }

    struct Case: Decodable {
        let name: String
        let file: String
        let classes: Int
        let temperature: Double
        let expected: [String: Expected]
    }

    struct Expected: Decodable {
        let top1: Double
        let top5: Double
        let predictions: [Int]
        let usedCount: Int?

        enum CodingKeys: String, CodingKey {
            case top1, top5, predictions
            case usedCount = "used_k"
        }
    }

    @Test(.requires(Goldens.of(.knn)), arguments: Goldens.folders(.knn))
    func everyCaseToTheLastFigure(folder: Goldens.Folder) throws {
        let file = try folder.decode(File.self, from: "cases.json")
        #expect(!file.cases.isEmpty)
        for item in file.cases {
            let tensors = try SafetensorsFile(path: folder.file(item.file)).tensors()
            let bank = try #require(tensors["train_features"])
            let queries = try #require(tensors["test_features"])
            let labels = try #require(tensors["train_labels"]).integers()
            let truth = try #require(tensors["test_labels"]).integers()
            let counts = item.expected.keys.compactMap { Int($0) }.sorted()
            #expect(counts.count == item.expected.count)
            let scores = NearestNeighbors(
                bank: bank, labels: labels, classCount: item.classes, temperature: item.temperature
            ).scores(of: queries, truth: truth, neighborCounts: counts)
            for score in scores {
                let expected = try #require(item.expected[String(score.neighborCount)])
                let place = "\(item.name), k \(score.neighborCount)"
                #expect(abs(score.top1 - expected.top1) < 1e-9, "\(place): top-1")
                #expect(abs(score.top5 - expected.top5) < 1e-9, "\(place): top-5")
                #expect(score.predictions == expected.predictions, "\(place): predictions")
                #expect(score.usedCount == expected.usedCount ?? min(score.neighborCount, labels.count), "\(place)")
            }
        }
    }
}
