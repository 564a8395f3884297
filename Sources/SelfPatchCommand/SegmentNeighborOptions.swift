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

    /// Labels the validation patches and scores them.
    func results(
        of trained: TrainedNetwork, data: String, classes: Int?, firstClass: Int, ignored: Int, seed: UInt64,
        output: String?
    ) throws -> ResultFiles {
        func pairs(_ part: String) throws -> FolderPairs {
            try FolderPairs(images: "\(data)/images/\(part)", labels: "\(data)/annotations/\(part)")
        }
        let (training, validation) = (try pairs("training"), try pairs("validation"))
        let classCount =
            try classes
            ?? LabelledImages.classCount(of: [training, validation], firstClass: firstClass, ignored: ignored)
        let channels = trained.description.architecture.channels
        func labelled(_ pairs: FolderPairs) -> LabelledImages {
            LabelledImages(
                pairs, channels: channels, classCount: classCount, firstClass: firstClass, ignored: ignored)
        }
        var settings = PatchNearestNeighbors.Settings()
        settings.neighborCount = neighbors
        settings.temperature = temperature
        settings.bankSize = bank
        settings.seed = seed
        let frame =
            height.flatMap { height in width.map { .exact(ViewSize(height: height, width: $0)) } }
            ?? PatchEvaluation.Frame.whole(shorterSide: side)
        var line = ProgressLine(title: "Patches", total: training.count + validation.count)
        let score = try PatchEvaluation(
            extractor: trained.extractor(batchSize: batch), frame: frame, settings: settings
        ).score(training: labelled(training), validation: labelled(validation)) { _ in line.advance() }
        line.clear()
        let files = try ResultFiles(
            table: table(score, trained, firstClass: firstClass),
            document: Document(
                weights: trained.path, network: trained.part, steps: trained.description.steps, data: data, side: side,
                height: height, width: width, firstClass: firstClass, ignored: ignored, neighbors: neighbors,
                temperature: temperature, bank: bank, seed: seed, patches: score.total,
                meanIoU: score.meanIntersectionOverUnion, accuracy: score.accuracy,
                classIoU: (0..<score.classCount).map(score.intersectionOverUnion)))
        if let output {
            let names = (0..<score.classCount).map { "label \($0 + firstClass)" }
            let matrix = ConfusionPicture(
                title: "patches, k-NN: mIoU \(Self.share(score.meanIntersectionOverUnion)) %", names: names,
                counts: names.indices.flatMap { truth in names.indices.map { score[truth, $0] } })
            try files.write(to: output, pictures: ["confusion": matrix.picture()])
        }
        return files
    }

    private func table(_ score: ConfusionMatrix, _ trained: TrainedNetwork, firstClass: Int) -> String {
        let classes = (0..<score.classCount).map {
            "IoU of label \($0 + firstClass): \(Self.share(score.intersectionOverUnion(of: $0))) %"
        }
        return """
            \(trained.title)
            \(score.total) patches labelled, \(score.classCount) classes
            \(classes.joined(separator: "\n"))
            mean IoU \(Self.share(score.meanIntersectionOverUnion)) %, accuracy \(Self.share(score.accuracy)) %
            """
    }

    private static func share(_ value: Double?) -> String { percent(value.map { 100 * $0 }) }

    private struct Document: Encodable {
        let weights: String
        let network: TrainedNetwork.Part
        let steps: Int
        let data: String
        let side: Int
        let height: Int?
        let width: Int?
        let firstClass: Int
        let ignored: Int
        let neighbors: Int
        let temperature: Double
        let bank: Int
        let seed: UInt64
        let patches: Int
        let meanIoU: Double?
        let accuracy: Double?
        let classIoU: [Double?]
    }
}
