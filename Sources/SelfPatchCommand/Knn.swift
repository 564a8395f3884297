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

    @OptionGroup var precision: PrecisionOptions

    @OptionGroup var view: ViewOptions

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

    @Option(help: ArgumentHelp("Take features of so many of the last blocks, side by side.", valueName: "n"))
    var blocks = 1

    @Option(help: ArgumentHelp("Images that go through the network together.", valueName: "n"))
    var batch = 64

    @Option(help: ArgumentHelp("Also write results.json, results.txt and confusion.png here.", valueName: "dir"))
    var output: String?

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
        precision.apply(to: trained)
        var extractor = try trained.extractor(view: view.size, batchSize: batch)
        extractor.blockCount = try trained.checkedBlocks(blocks)
        var line = ProgressLine(title: "Features", total: evaluation.training.count + evaluation.validation.count)
        let report = try evaluation.report(
            on: extractor, features: feature.map { [$0] } ?? FeatureExtractor.Feature.allCases
        ) { done in line.advance(to: done) }
        line.clear()
        for sentence in report.skipped { warn("left out: \(sentence)") }
        let files = try ResultFiles(
            table: table(report, trained),
            document: Document(
                weights: trained.path, network: trained.part, steps: trained.description.steps, train: train, val: val,
                view: [extractor.view.size.height, extractor.view.size.width], blocks: blocks, temperature: temperature,
                report: report))
        if let output { try files.write(to: output, pictures: ["confusion": confusion(of: report)]) }
        files.print(asJSON: json)
    }

    private func table(_ report: NearestNeighborEvaluation.Report, _ trained: TrainedNetwork) -> String {
        var table = TextTable(["feature", "k", "top-1 %", "top-5 %"])
        var notes: [String] = []
        for result in report.results {
            for score in result.scores {
                table.add(
                    result.feature.rawValue, String(score.neighborCount), percent(score.top1), percent(score.top5))
                if score.usedCount < score.neighborCount {
                    notes.append("k = \(score.neighborCount): all \(score.usedCount) vote")
                }
            }
        }
        let head = """
            \(trained.title)
            \(report.trainingCount) images vote, \(report.validationCount) are classified, \(report.classCount) classes
            """
        let (feature, best) = best(of: report)
        let counts = NearestNeighborEvaluation.confusion(report, best)
        var classes = TextTable(["class", "images", "top-1 %"])
        for (number, name) in report.classes.enumerated() {
            let row = counts[number * report.classCount..<(number + 1) * report.classCount]
            let images = row.reduce(0, +)
            let share = images == 0 ? nil : 100 * Double(row[row.startIndex + number]) / Double(images)
            classes.add(name, String(images), percent(share))
        }
        let foot = """

            Best on these images: \(feature.rawValue) with k \(best.neighborCount), top-1 \(percent(best.top1)) %

            \(classes.text)
            """
        return ([head, table.text] + Set(notes).sorted() + [foot]).joined(separator: "\n")
    }

    /// The feature and the k that do best.
    private func best(
        of report: NearestNeighborEvaluation.Report
    ) -> (FeatureExtractor.Feature, NearestNeighbors.Score) {
        let all = report.results.flatMap { result in result.scores.map { (result.feature, $0) } }
        guard let best = all.max(by: { $0.1.top1 < $1.1.top1 }) else { preconditionFailure("a report without scores") }
        return best
    }

    private func confusion(of report: NearestNeighborEvaluation.Report) -> Picture {
        let (feature, score) = best(of: report)
        return ConfusionPicture(
            title: "k-NN, \(feature.rawValue), k = \(score.neighborCount): top-1 \(percent(score.top1)) %",
            names: report.classes, counts: NearestNeighborEvaluation.confusion(report, score)
        ).picture()
    }

    private struct Document: Encodable {
        let weights: String
        let network: TrainedNetwork.Part
        let steps: Int
        let train: String
        let val: String
        let view: [Int]
        let blocks: Int
        let temperature: Double
        let report: NearestNeighborEvaluation.Report
    }
}

extension FeatureExtractor.Feature: ExpressibleByArgument {}
