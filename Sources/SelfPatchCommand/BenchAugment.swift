import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats

/// `selfpatch bench augment`: images a second through the image pipeline.
struct BenchAugment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "augment",
        abstract: "Measure the image pipeline: files decoded, cut into views, their colors changed.",
        discussion: """
            Files are read into memory first, so that the disk plays no part. One thread works, and its processor time
            counts, so that other programs on the machine disturb little. Stages are timed in a second run, each part by
            itself; in the first one color operations share their way through the cache.

            EXAMPLES
              selfpatch bench augment photos
              selfpatch bench augment photos --workers 2 --json
              selfpatch bench augment --local-views 0 --seconds 3
            """)

    @Argument(help: "A folder of images. Without it, drawn scenes of 430 x 430 pixels as JPEGs.")
    var folder: String?

    @Option(help: "Seconds for each measurement.")
    var seconds = 8.0

    @Option(help: "Local views an image.")
    var localViews = MultiCropSettings().localCount

    @Option(help: "Also measure the loader with so many threads, on the wall clock.")
    var workers: Int?

    @Option(help: "Use vectors of at most 128, 256 or 512 bits.")
    var vectorBits: Int?

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        guard seconds > 0 else { throw UserError("--seconds is \(seconds); it must be above 0.", kind: .usage) }
        if let workers, workers < 1 {
            throw UserError("--workers is \(workers); it must be at least 1.", kind: .usage)
        }
        if let vectorBits {
            guard [128, 256, 512].contains(vectorBits) else {
                throw UserError("--vector-bits is \(vectorBits); it can be 128, 256 or 512.", kind: .usage)
            }
            VectorBits.limit(to: vectorBits)
        }
        var settings = MultiCropSettings()
        settings.localCount = localViews
        try settings.validate()

        let files = try folder.map(BenchFiles.init(folder:)) ?? BenchFiles(scenes: 32)
        let report = try AugmentMeasurement(files: files, settings: settings, seconds: seconds, workers: workers)
            .report()
        print(json ? try report.json() : report.table())
    }
}
