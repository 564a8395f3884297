import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchFormats

struct Knn: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "knn",
        abstract: "Say how well features tell labelled images apart: weighted k-NN, nothing is trained.",
        discussion: """
            Both folders hold a folder for each class. Images are resized to 8/7 of the view that the weights were trained \
            on, and their middle is taken. Each validation image takes the class that the k nearest training images vote \
            for, by cosine with weights exp(s / 0.07), as DINO scores its features.

            Two features are scored: the image summary, and the mean over all patches. Where k is above the number of \
            training images all of them vote, and the table says so. Images that cannot be read are left out and named.

            EXAMPLES
              selfpatch knn --weights runs/photos --train photos/train --val photos/val
              selfpatch knn --weights runs/photos --network student --train photos/train --val photos/val
              selfpatch knn --weights weights.safetensors --train a --val b --neighbors 5 --neighbors 20 --json
            """)

    @OptionGroup var weights: WeightsOptions

    @Option(help: ArgumentHelp("The labelled images that vote.", valueName: "dir"))
    var train: String

    @Option(help: ArgumentHelp("The labelled images that are classified.", valueName: "dir"))
    var val: String

    @Option(help: "Score one feature alone (default: both).")
    var feature: FeatureExtractor.Feature?

    @Option(name: .customLong("neighbors"), help: ArgumentHelp("A k to score; may be given often.", valueName: "k"))
    var neighborCounts: [Int] = NearestNeighbors.defaultNeighborCounts

    @Option(help: "Divides the cosines before they are exponentiated.")
    var temperature = 0.07

    @Option(help: ArgumentHelp("Images that go through the network together.", valueName: "n"))
    var batch = 64

    @Flag(help: "Print one JSON document, with the class predicted for each image.")
    var json = false

    func validate() throws {
        for k in neighborCounts where k < 1 {
            throw ValidationError("--neighbors is \(k); it has to be at least 1.")
        }
        if batch < 1 { throw ValidationError("--batch is \(batch); it has to be at least 1.") }
        if !(temperature > 0 && temperature.isFinite) {
            throw ValidationError("--temperature is \(temperature); it has to be above 0.")
        }
    }

    func run() throws {
        var evaluation = try NearestNeighborEvaluation(
            training: ClassFolder(root: train), validation: ClassFolder(root: val))
        evaluation.neighborCounts = neighborCounts
        evaluation.temperature = temperature
        let trained = try weights.load()
        var line = ProgressLine(title: "Features", total: evaluation.training.count + evaluation.validation.count)
        var shown = 0
        let report = try evaluation.report(
            on: trained.extractor(batchSize: batch), features: feature.map { [$0] } ?? FeatureExtractor.Feature.allCases
        ) { done in
            while shown < done {
                line.advance()
                shown += 1
            }
        }
        line.clear()
        for sentence in report.skipped {
            FileHandle.standardError.write(Data("left out: \(sentence)\n".utf8))
        }
        if json { try printJSON(report, trained) } else { printTable(report, trained) }
    }

    private func printTable(_ report: NearestNeighborEvaluation.Report, _ trained: TrainedNetwork) {
        print("\(trained.part.rawValue) of \(trained.path), \(trained.description.steps) steps")
        print(
            "\(report.trainingCount) images vote, \(report.validationCount) are classified, \(report.classCount) classes"
        )
        print(Self.columns("feature", "k", "top-1 %", "top-5 %"))
        for result in report.results {
            for score in result.scores {
                let note = score.usedCount < score.neighborCount ? "  (all \(score.usedCount) vote)" : ""
                print(
                    Self.columns(
                        result.feature.rawValue, String(score.neighborCount), String(format: "%.1f", score.top1),
                        String(format: "%.1f", score.top5)) + note)
            }
        }
    }

    private static func columns(_ feature: String, _ k: String, _ top1: String, _ top5: String) -> String {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return feature + String(repeating: " ", count: max(1, 12 - feature.count)) + right(k, 5) + right(top1, 9)
            + right(top5, 9)
    }

    private func printJSON(_ report: NearestNeighborEvaluation.Report, _ trained: TrainedNetwork) throws {
        struct Document: Encodable {
            let weights: String
            let network: TrainedNetwork.Part
            let steps: Int
            let train: String
            let val: String
            let temperature: Double
            let report: NearestNeighborEvaluation.Report
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let document = Document(
            weights: trained.path, network: trained.part, steps: trained.description.steps, train: train, val: val,
            temperature: temperature, report: report)
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
    }
}

extension FeatureExtractor.Feature: ExpressibleByArgument {}
