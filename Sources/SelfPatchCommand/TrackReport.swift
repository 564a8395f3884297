import Foundation
import SelfPatchEvaluation

/// What `track` says at its end, as text and as JSON.
struct TrackReport: Encodable {
    let weights: String
    let network: TrainedNetwork.Part
    let settings: VideoTracker.Settings
    let videos: [String]
    let timing: VideoTracker.Timing
    /// The most memory that was in use, in bytes.
    let peakMemory: Int
    /// Missing where nothing but first frames is annotated.
    let score: VideoScore?

    static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    var timingLine: String {
        let frames = Double(max(timing.frames, 1))
        func each(_ seconds: Double) -> String { String(format: "%.0f", 1000 * seconds / frames) }
        return "\(timing.frames) frames; milliseconds a frame: network \(each(timing.network)), propagation "
            + "\(each(timing.propagation)), masks \(each(timing.masks)), reading \(each(timing.reading)); at most \(peakMemory >> 20) MB of memory"
    }

    /// Figures in per cent, one line for each object, each sequence with several, and all objects.
    static func table(of score: VideoScore) -> String {
        var lines = [row("", "J&F", ["J mean", "recall", "decay", "F mean", "recall", "decay"])]
        func add(_ name: String, _ region: VideoScore.Figures, _ contour: VideoScore.Figures) {
            let figures = [region, contour].flatMap { [$0.mean, $0.recall, $0.decay] }.map(percent)
            lines.append(row(name, percent((region.mean + contour.mean) / 2), figures))
        }
        for sequence in score.sequences {
            for object in sequence.objects {
                add("\(sequence.name)_\(object.number)", object.region, object.contour)
            }
            if sequence.objects.count > 1 { add("\(sequence.name), mean", sequence.region, sequence.contour) }
        }
        let count = score.sequences.reduce(0) { $0 + $1.objects.count }
        add("all \(count) objects", score.region, score.contour)
        return lines.joined(separator: "\n")
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f", 100 * share) }

    private static func row(_ name: String, _ overall: String, _ figures: [String]) -> String {
        func right(_ text: String) -> String { String(repeating: " ", count: max(1, 8 - text.count)) + text }
        return name.padding(toLength: max(24, name.count), withPad: " ", startingAt: 0) + right(overall)
            + figures.map(right).joined()
    }
}
