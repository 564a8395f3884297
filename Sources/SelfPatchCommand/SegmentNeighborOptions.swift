import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// `selfpatch segment --head knn`: what it is told, and what it does.
struct SegmentNeighborOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Resize the shorter side of images to this.", valueName: "pixels"))
    var side = 192

    @Option(help: ArgumentHelp("With --width: resize every image to just this.", valueName: "pixels"))
    var height: Int?

    @Option(help: ArgumentHelp("With --height.", valueName: "pixels"))
    var width: Int?

    @Option(help: ArgumentHelp("Patches that vote.", valueName: "k"))
    var neighbors = 20

    @Option(help: "Divides the cosines before they are exponentiated.")
    var temperature = 0.07

    @Option(help: ArgumentHelp("Patches in the memory bank.", valueName: "n"))
    var bank = 20_000

    @Option(help: ArgumentHelp("Images that go through the network together.", valueName: "n"))
    var batch = 16

    func validate() throws {
        for (name, value) in [
            ("--side", side), ("--height", height ?? 1), ("--width", width ?? 1), ("--neighbors", neighbors),
            ("--bank", bank), ("--batch", batch),
        ] where value < 1 {
            throw ValidationError("\(name) is \(value); it has to be at least 1.")
        }
        if (height == nil) != (width == nil) { throw ValidationError("--height and --width belong together.") }
        if !(temperature > 0 && temperature.isFinite) {
            throw ValidationError("--temperature is \(temperature); it has to be above 0.")
        }
    }

    /// Labels the validation patches and scores them; all that is wrong with the data is named before.
    ///
    /// - Parameter labelled: what its `data` says.
    func results(
        of trained: TrainedNetwork, _ labelled: SegmentationSettings, seed: UInt64, output: String?
    ) throws -> ResultFiles {
        let data = try SegmentationData(labelled)
        _ = try data.check()
        let channels = trained.description.architecture.channels
        var settings = PatchNearestNeighbors.Settings()
        settings.neighborCount = neighbors
        settings.temperature = temperature
        settings.bankSize = bank
        settings.seed = seed
        let frame =
            height.flatMap { height in width.map { .exact(ViewSize(height: height, width: $0)) } }
            ?? PatchEvaluation.Frame.whole(shorterSide: side)
        let (training, validation) = (data.training, data.validation)
        var line = ProgressLine(title: "Patches", total: training.count + validation.count)
        let score = try PatchEvaluation(
            extractor: trained.extractor(batchSize: batch), frame: frame, settings: settings
        ).score(
            training: LabelledImages(training, channels: channels),
            validation: LabelledImages(validation, channels: channels)
        ) { _ in line.advance() }
        line.clear()
        let files = try ResultFiles(
            table: table(score, trained, data.classes),
            document: Document(
                weights: trained.path, network: trained.part, steps: trained.description.steps, data: labelled.data,
                side: side, height: height, width: width, neighbors: neighbors,
                temperature: temperature, bank: bank, seed: seed, classes: data.classes.names, patches: score.total,
                meanIoU: score.meanIntersectionOverUnion, accuracy: score.accuracy,
                classIoU: (0..<score.classCount).map(score.intersectionOverUnion)))
        if let output {
            let names = data.classes.names
            let matrix = ConfusionPicture(
                title: "patches, k-NN: mIoU \(Self.share(score.meanIntersectionOverUnion)) %", names: names,
                counts: names.indices.flatMap { truth in names.indices.map { score[truth, $0] } })
            try files.write(to: output, pictures: ["confusion": matrix.picture()])
        }
        return files
    }

    private func table(_ score: ConfusionMatrix, _ trained: TrainedNetwork, _ classes: ClassList) -> String {
        var table = TextTable(["class", "patches", "IoU %", "accuracy %"])
        for (number, name) in classes.names.enumerated() {
            table.add(
                name, String(score.labelled(number)), Self.share(score.intersectionOverUnion(of: number)),
                Self.share(score.accuracy(of: number)))
        }
        return """
            \(trained.title)
            \(score.total) patches labelled, \(score.classCount) classes

            \(table.text)

            mean IoU \(Self.share(score.meanIntersectionOverUnion)) %, accuracy \(Self.share(score.accuracy)) %
            """
    }

    private static func share(_ value: Double?) -> String { percent(value.map { 100 * $0 }) }

    private struct Document: Encodable {
        let weights: String
        let network: TrainedNetwork.Part
        let steps: Int
        let data: SegmentationSettings.Data
        let side: Int
        let height: Int?
        let width: Int?
        let neighbors: Int
        let temperature: Double
        let bank: Int
        let seed: UInt64
        let classes: [String]
        let patches: Int
        let meanIoU: Double?
        let accuracy: Double?
        let classIoU: [Double?]
    }
}
