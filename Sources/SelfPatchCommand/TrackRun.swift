import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// Tracks videos with a network: checks them all, writes their masks and pictures, and scores what is annotated.
struct TrackRun {
    let videos: [TrackedVideo]
    /// Where the videos are sequences of DAVIS.
    let folder: DAVISFolder?
    let weights: String
    let use: NetworkOptions
    let precision: PrecisionOptions
    let tracking: TrackingOptions
    let output: String
    let json: Bool

    func run() throws {
        try requireEmptyOutput()
        let trained = try use.load(weights)
        precision.apply(to: trained)
        let tracker = VideoTracker(network: trained.network, settings: try tracking.settings(for: trained))
        try check(channels: trained.description.architecture.channels)

        var line = ProgressLine(title: "Frames", total: videos.reduce(0) { $0 + $1.frames.count })
        var timing = VideoTracker.Timing()
        for video in videos {
            timing.add(try track(video, with: tracker) { line.advance(note: PrintableName.of(video.name)) })
        }
        line.clear()
        let scored = scoredSequences
        let score = try folder.flatMap { folder in
            scored.isEmpty ? nil : try VideoScoring(data: folder, results: output).score(scored)
        }
        let report = TrackReport(
            weights: trained.path, network: trained.part, settings: tracker.settings, videos: videos.map(\.name),
            timing: timing, peakMemory: trained.network.device.peakBytes, score: score)
        let document = try TrackReport.text(of: report)
        try AtomicFile.write(Data((document + "\n").utf8), to: "\(output)/track.json")
        if json {
            print(document)
        } else {
            print(trained.title)
            print(report.timingLine)
            let unscored = videos.map(\.name).filter { !scored.contains($0) }
            if !unscored.isEmpty {
                print(
                    "not scored, for want of later annotation: \(unscored.map(PrintableName.of).joined(separator: ", "))"
                )
            }
            if let score { print(TrackReport.table(of: score)) }
        }
    }

    /// Sequences of which more is annotated than what is never scored, the first frame and the last.
    private var scoredSequences: [String] {
        guard let folder else { return [] }
        return videos.map(\.name).filter {
            VideoScoring.scoredFrameCount(annotated: folder.masks(of: $0).count) > 0
        }
    }

    private func requireEmptyOutput() throws {
        guard OutputFolder.contents(of: output).isEmpty else {
            throw UserError(
                "\(PrintableName.of(output)) is not empty; masks of an older run would mix with the new ones. Name a new folder.",
                kind: .usage)
        }
    }

    private func check(channels: Int) throws {
        var problems = DataProblems()
        for video in videos { problems.add(contentsOf: video.problems(channels: channels)) }
        try problems.throwIfAny(title: "The videos cannot be tracked")
    }

    private func track(
        _ video: TrackedVideo, with tracker: VideoTracker, done: () -> Void
    ) throws -> VideoTracker.Timing {
        let lost = tracker.lostObjects(of: try video.firstMask())
        if !lost.isEmpty {
            let numbers = lost.map(String.init).joined(separator: ", ")
            warn("\(PrintableName.of(video.name)): too small for a patch, and so not tracked: object \(numbers)")
        }
        let masks = "\(output)/\(video.name)"
        try OutputFolder.make(masks)
        var sheet = MaskOverlay(title: video.name)
        let canBeShown = [1, 3].contains(tracker.network.architecture.channels)
        let shown = Set(canBeShown ? MaskOverlay.chosen(of: video.frames.count) : [])
        let timing = try tracker.track(video) { index, mask in
            try PNGFile.write(labels: mask, palette: .pascal, to: "\(masks)/\(video.frames.stem(index)).png")
            if shown.contains(index) {
                let frame = try ImageFile.decode(path: video.frames.path(index), channels: 3)
                sheet.add(video.frames.stem(index), frame: frame, mask: mask)
            }
            done()
        }
        if let picture = sheet.picture() {
            try OutputFolder.make("\(output)/overlay")
            try picture.write(to: "\(output)/overlay/\(video.name).png")
        }
        return timing
    }
}
