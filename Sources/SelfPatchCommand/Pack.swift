import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchTraining

struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pack a folder of images into tar shards, for network disks and millions of files.",
        discussion: """
            The shards follow WebDataset's convention, so its readers take them, and `pretrain` and `check-data` take those \
            that others made: a folder of .tar files, one of them, or a pattern. Images are shuffled before they are packed \
            and copied as they are. Beside each shard stands its index (.idx, as DALI's wds2idx writes it), from which a \
            run lists them; shards without one are read through first.

            A run on shards reads them from front to back: of as many as hold data.window images, all images are mixed, \
            shards come in a new order in every epoch, and a resumed run goes on at its image.

            Files that are no readable image are left out and named. The same folder gives the same bytes.

            EXAMPLES
              selfpatch pack photos --output /big/photos.tar
              selfpatch pretrain --data '/big/photos-{000000..000041}.tar' --output run
              selfpatch pack train --output train.tar --classes --shard-size 300
            """)

    @Argument(help: ArgumentHelp("The folder with the images, any tree of folders.", valueName: "dir"))
    var folder: String

    @Option(help: ArgumentHelp("photos.tar makes photos-000000.tar and so on.", valueName: "file"))
    var output: String

    @Option(help: ArgumentHelp("Megabytes that a shard holds at most.", valueName: "MB"))
    var shardSize = 1000

    @Option(help: ArgumentHelp("Seed of the shuffling.", valueName: "number"))
    var seed: UInt64 = 0

    @Flag(help: "Keep the order of names instead of shuffling.")
    var keepOrder = false

    @Flag(help: "Add the number of each image's top folder, in the order of names, as a member .cls.")
    var classes = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if shardSize < 1 || shardSize > 1_000_000 {
            throw ValidationError("--shard-size is \(shardSize); it has to be from 1 to 1000000 megabytes.")
        }
    }

    func run() throws {
        StopSignal.install()
        let images = try ImageFolder(root: folder)
        var settings = ShardPacker.Settings()
        settings.shardBytes = shardSize * 1_000_000
        settings.keepsOrder = keepOrder
        settings.seed = seed
        settings.writesClasses = classes
        let packer = try ShardPacker(images, output: output, settings)
        var line = ProgressLine(title: "Packing", total: images.count)
        let outcome = try packer.pack(progress: { _ in line.advance() }, isStopped: { StopSignal.received != nil })
        line.clear()
        for problem in images.problems + outcome.skipped {
            warn("left out: \(PrintableName.of(problem.name)) \(problem.problem.detail)")
        }
        if json { print(try report(outcome)) } else { print(sentence(outcome)) }
        if let signal = StopSignal.received, !outcome.isFinished { throw ExitCode(StopSignal.exitCode(of: signal)) }
        if outcome.images == 0 { throw ExitCode.failure }
    }

    private func sentence(_ outcome: ShardPacker.Outcome) -> String {
        let skipped = outcome.skipped.isEmpty ? "" : "; \(outcome.skipped.count) left out"
        guard outcome.images > 0 else { return "No image to pack\(skipped)." }
        let made =
            "\(outcome.images) images in \(outcome.paths.count) shard\(outcome.paths.count == 1 ? "" : "s")\(skipped)"
        return outcome.isFinished
            ? "\(made): \(outcome.pattern)" : "Stopped after \(made). Remove these and pack again: \(outcome.pattern)"
    }

    private func report(_ outcome: ShardPacker.Outcome) throws -> String {
        struct Report: Encodable {
            let images: Int
            let shards: [String]
            let skipped: [String]
            let isFinished: Bool
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let report = Report(
            images: outcome.images, shards: outcome.paths, skipped: outcome.skipped.map(\.name),
            isFinished: outcome.isFinished)
        return String(decoding: try encoder.encode(report), as: UTF8.self)
    }
}
