import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

struct Segment: ParsableCommand {
    /// What turns patch features into classes.
    enum Head: String, CaseIterable, ExpressibleByArgument {
        /// Nearest labelled patches; nothing is trained.
        case knn
    }

    static let configuration = CommandConfiguration(
        commandName: "segment",
        abstract: "Say how well patches tell what they show: labels of patches from their nearest labelled patches.",
        discussion: """
            DIR holds images/training, images/validation, annotations/training and annotations/validation; an image and its \
            label map share their name. Label maps hold one number a pixel, the class: grey pictures of at most 8 bits, or PNG files with a palette.

            Patches of the training images, with the shares of the classes below them, fill a memory bank. Each validation \
            patch takes its label from the nearest ones, by cosine with weights exp(s / 0.07). It is compared with the class \
            that most of the patch's pixels have; patches without labels do not count.

            EXAMPLES
              selfpatch segment --head knn --weights runs/streets --data camvid
              selfpatch segment --head knn --weights runs/streets --data ade20k --first-class 1 --ignore 0 --side 384
            """)

    @OptionGroup var weights: WeightsOptions

    @Option(help: "What labels patches: knn.")
    var head = Head.knn

    @Option(help: ArgumentHelp("The folder with images and annotations.", valueName: "dir"))
    var data: String

    @Option(help: ArgumentHelp("Resize the shorter side of images to this.", valueName: "pixels"))
    var side = 192

    @Option(help: ArgumentHelp("With --width: resize every image to just this.", valueName: "pixels"))
    var height: Int?

    @Option(help: ArgumentHelp("With --height.", valueName: "pixels"))
    var width: Int?

    @Option(help: ArgumentHelp("The label of the first class; lower ones are no label.", valueName: "label"))
    var firstClass = 0

    @Option(help: ArgumentHelp("The label that stands for no class.", valueName: "label"))
    var ignore = 255

    @Option(help: ArgumentHelp("How many classes there are (default: up to the largest label).", valueName: "n"))
    var classes: Int?

    @Option(help: ArgumentHelp("Patches that vote.", valueName: "k"))
    var neighbors = 20

    @Option(help: "Divides the cosines before they are exponentiated.")
    var temperature = 0.07

    @Option(help: ArgumentHelp("Patches in the memory bank.", valueName: "n"))
    var bank = 20_000

    @Option(help: ArgumentHelp("Chooses the patches in the bank.", valueName: "n"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Images that go through the network together.", valueName: "n"))
    var batch = 16

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        for (name, value) in [
            ("--side", side), ("--height", height ?? 1), ("--width", width ?? 1), ("--classes", classes ?? 1),
            ("--neighbors", neighbors), ("--bank", bank), ("--batch", batch),
        ] where value < 1 {
            throw ValidationError("\(name) is \(value); it has to be at least 1.")
        }
        if (height == nil) != (width == nil) { throw ValidationError("--height and --width belong together.") }
        if let classes, classes > 255 { throw ValidationError("--classes is \(classes); label maps hold at most 255.") }
        if !(0...254).contains(firstClass) { throw ValidationError("--first-class is \(firstClass); it is 0 to 254.") }
        if !(temperature > 0 && temperature.isFinite) {
            throw ValidationError("--temperature is \(temperature); it has to be above 0.")
        }
    }

    func run() throws {
        func pairs(_ part: String) throws -> FolderPairs {
            try FolderPairs(images: "\(data)/images/\(part)", labels: "\(data)/annotations/\(part)")
        }
        let (training, validation) = (try pairs("training"), try pairs("validation"))
        let classCount =
            try classes
            ?? LabelledImages.classCount(of: [training, validation], firstClass: firstClass, ignored: ignore)
        let trained = try weights.load()
        let channels = trained.description.architecture.channels
        func labelled(_ pairs: FolderPairs) -> LabelledImages {
            LabelledImages(
                pairs, channels: channels, classCount: classCount, firstClass: firstClass, ignored: ignore)
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
        if json { try printJSON(score, trained) } else { printTable(score, trained) }
    }

    private func printTable(_ score: ConfusionMatrix, _ trained: TrainedNetwork) {
        print(trained.title)
        print("\(score.total) patches labelled, \(score.classCount) classes")
        for number in 0..<score.classCount {
            print("IoU of label \(number + firstClass): \(Self.percent(score.intersectionOverUnion(of: number))) %")
        }
        print(
            "mean IoU \(Self.percent(score.meanIntersectionOverUnion)) %, accuracy \(Self.percent(score.accuracy)) %")
    }

    private static func percent(_ share: Double?) -> String {
        share.map { String(format: "%5.1f", 100 * $0) } ?? "    -"
    }

    private func printJSON(_ score: ConfusionMatrix, _ trained: TrainedNetwork) throws {
        struct Document: Encodable {
            let weights: String
            let network: TrainedNetwork.Part
            let steps: Int
            let data: String
            let neighbors: Int
            let temperature: Double
            let bank: Int
            let patches: Int
            let meanIoU: Double?
            let accuracy: Double?
            let classIoU: [Double?]
        }
        let document = Document(
            weights: trained.path, network: trained.part, steps: trained.description.steps, data: data,
            neighbors: neighbors, temperature: temperature, bank: bank, patches: score.total,
            meanIoU: score.meanIntersectionOverUnion.map { 100 * $0 }, accuracy: score.accuracy.map { 100 * $0 },
            classIoU: (0..<score.classCount).map { score.intersectionOverUnion(of: $0).map { 100 * $0 } })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(document), as: UTF8.self))
    }
}
