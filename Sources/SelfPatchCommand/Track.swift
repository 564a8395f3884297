import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

struct Track: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "track",
        abstract:
            "Follow the objects of a first mask through a video, by patch features alone; score masks by J and F.",
        discussion: """
            Each patch of a frame takes its label from the patches most like it in the first frame and in the frames right before; \
            nothing is trained. Every default is that of the SelfPatch authors' script.

            DATA is laid out as DAVIS 2017:
              JPEGImages/480p/SEQUENCE/00000.jpg    frames
              Annotations/480p/SEQUENCE/00000.png   masks: the object's number at each pixel (palette or grey PNG), 0 is none
              ImageSets/2017/val.txt                the sequences, one a line
            Only the first mask of a sequence is needed. Where later frames are annotated too, the result is scored.

            Masks are written as OUTPUT/SEQUENCE/00001.png with DAVIS's palette, a picture of each video as OUTPUT/overlay, and \
            settings and scores as OUTPUT/track.json.

            J is intersection over union, F the agreement of the contours; the first and the last annotated frame are not scored. \
            Figures equal those of the DAVIS 2017 evaluation code (semi-supervised task).

            EXAMPLES
              selfpatch track --weights runs/photos --data DAVIS --output tracked
              selfpatch track --weights vits16.safetensors --frames holiday/frames --mask holiday/first.png --output tracked
              selfpatch track --score tracked --data DAVIS --json
            """)

    @Option(help: NetworkOptions.weightsHelp)
    var weights: String?

    @OptionGroup var use: NetworkOptions

    @OptionGroup var precision: PrecisionOptions

    @Option(help: ArgumentHelp("Videos with masks, laid out as DAVIS 2017.", valueName: "dir"))
    var data: String?

    @Option(name: .customLong("set"), help: ArgumentHelp("With --data: the list of sequences.", valueName: "name"))
    var setName = "val"

    @Option(
        name: .customLong("sequence"),
        help: ArgumentHelp(
            "With --data: one sequence of the list; may be given often (default: all).", valueName: "name"))
    var sequences: [String] = []

    @Option(help: ArgumentHelp("A folder with the frames of one video, instead of --data.", valueName: "dir"))
    var frames: String?

    @Option(help: ArgumentHelp("With --frames: the first frame's mask.", valueName: "file"))
    var mask: String?

    @Option(help: ArgumentHelp("Where masks, pictures and scores go; a new or empty folder.", valueName: "dir"))
    var output: String?

    @Option(help: ArgumentHelp("Track nothing: score the masks in this folder against --data.", valueName: "results"))
    var score: String?

    @OptionGroup(title: "Tracking") var tracking: TrackingOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if score != nil {
            for (name, value) in [("--weights", weights), ("--frames", frames), ("--mask", mask), ("--output", output)]
            where value != nil {
                throw ValidationError("\(name) has no meaning with --score, which looks at masks alone.")
            }
            if data == nil { throw ValidationError("--score needs --data, the annotation to score against.") }
            return
        }
        if weights == nil { throw ValidationError("Name a network with --weights, or masks to score with --score.") }
        if (data == nil) == (frames == nil) {
            throw ValidationError("Name videos either with --data or with --frames and --mask.")
        }
        if (frames == nil) != (mask == nil) { throw ValidationError("--frames and --mask belong together.") }
        if output == nil { throw ValidationError("Name a folder for the masks with --output.") }
        if frames != nil, !sequences.isEmpty { throw ValidationError("--sequence belongs to --data.") }
    }

    func run() throws {
        if let score, let data {
            let videos = try DAVISFolder(root: data, set: setName, only: sequences)
            var line = ProgressLine(title: "Sequences", total: videos.sequences.count)
            let result = try VideoScoring(data: videos, results: score).score { line.advance() }
            line.clear()
            print(json ? try TrackReport.text(of: result) : TrackReport.table(of: result))
        } else if let weights, let output {
            let folder = try data.map { try DAVISFolder(root: $0, set: setName, only: sequences) }
            try TrackRun(
                videos: try videos(in: folder), folder: folder, weights: weights, use: use, precision: precision,
                tracking: tracking,
                output: output, json: json
            ).run()
        }
    }

    private func videos(in folder: DAVISFolder?) throws -> [TrackedVideo] {
        guard let folder else {
            guard let frames, let mask else { return [] }
            return [TrackedVideo(frames: try VideoFrames(folder: frames), mask: mask)]
        }
        var problems = DataProblems()
        var videos: [TrackedVideo] = []
        for name in folder.sequences {
            do {
                videos.append(try TrackedVideo(name, of: folder))
            } catch let error as UserError {
                problems.add("\(PrintableName.of(name)): \(error.message)")
            }
        }
        try problems.throwIfAny(title: "The videos in \(PrintableName.of(folder.root)) cannot be tracked")
        return videos
    }
}
