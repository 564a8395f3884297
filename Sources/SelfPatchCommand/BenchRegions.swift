import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchTensors

/// `selfpatch bench regions`: seconds to read regions of feature maps and to suppress overlapping boxes.
struct BenchRegions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regions",
        abstract:
            "Measure what detectors do beside their network: RoIAlign, forward and backward, and suppression of boxes.",
        discussion: """
            Maps of strides 4, 8, 16 and 32, regions on them and boxes are drawn from a seed; the first repetition warms up and \
            does not count. FILE of --tensors gets all that went in and came out, for another program to take the same.

            EXAMPLES
              selfpatch bench regions
              selfpatch bench regions --regions 128 --size 14 --boxes 4800 --threads 1
              selfpatch bench regions --height 448 --width 448 --json --tensors regions.safetensors
            """)

    @Option(help: ArgumentHelp("Regions, together on all maps.", valueName: "n"))
    var regions = 1000

    @Option(help: ArgumentHelp("Bins of a region in either direction.", valueName: "n"))
    var size = 7

    @Option(help: ArgumentHelp("Channels of the maps.", valueName: "n"))
    var channels = 256

    @Option(help: ArgumentHelp("Height of the picture.", valueName: "pixels"))
    var height = 800

    @Option(help: ArgumentHelp("Width of the picture.", valueName: "pixels"))
    var width = 1216

    @Option(help: ArgumentHelp("Boxes of which the best are kept.", valueName: "n"))
    var boxes = 2000

    @Option(help: ArgumentHelp("Intersection over union above which a box is dropped.", valueName: "share"))
    var overlap = 0.7

    @Option(help: ArgumentHelp("Repetitions that count.", valueName: "n"))
    var repetitions = 8

    @Option(help: ArgumentHelp("Write what went in and came out, as safetensors.", valueName: "file"))
    var tensors: String?

    @OptionGroup var machine: MachineOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        let counts = [
            ("--regions", regions), ("--size", size), ("--channels", channels), ("--boxes", boxes),
            ("--repetitions", repetitions),
        ]
        for (name, value) in counts where !(1...65_536 ~= value) {
            throw ValidationError("\(name) is \(value); it is from 1 to 65536.")
        }
        let coarsest = RegionDraw.strides.max() ?? 1
        for (name, value) in [("--height", height), ("--width", width)]
        where !(coarsest...16_384 ~= value && value % coarsest == 0) {
            throw ValidationError("\(name) is \(value); it is a multiple of \(coarsest) up to 16384.")
        }
        guard 0...1 ~= overlap else { throw ValidationError("--overlap is \(overlap); it is from 0 to 1.") }
    }

    func run() throws {
        let device = try machine.prepared()
        let drawn = RegionDraw(channels: channels, height: height, width: width, regions: regions, boxes: boxes)
        let maps = drawn.maps.map { $0.moved(to: device) }, lists = drawn.regions  // which are read on the CPU
        let crowd = drawn.boxes.moved(to: device), scores = drawn.scores.moved(to: device)
        let noise = Generator(seed: 2)
        let upstream = lists.map {
            Tensor.uniform([$0.size(0), channels, size, size], low: -1, high: 1, using: noise).moved(to: device)
        }

        func pooled() -> [Tensor] {
            (0..<maps.count).map {
                maps[$0].alignedRegions(lists[$0], size: size, scale: 1 / Double(RegionDraw.strides[$0]))
            }
        }
        let forward = seconds(on: device) { _ = pooled() }
        for map in maps { map.requiresGradient = true }
        let both = seconds(on: device) {
            for map in maps { map.gradient = nil }
            Tensor.backward(Array(zip(pooled(), upstream)).map { (tensor: $0, gradient: $1) })
        }
        var kept = Tensor.zeros([0], type: .int64)
        let suppression = seconds(on: device) {
            kept = Tensor.nonMaximumSuppression(boxes: crowd, scores: scores, overlap: overlap)
        }

        if let tensors {
            var items = [("boxes", crowd), ("scores", scores), ("kept", kept)]
            for (index, output) in withoutGradients(pooled).enumerated() {
                let gradient = maps[index].gradient ?? Tensor.zeros(maps[index].shape)
                let level = [
                    ("map", maps[index]), ("regions", lists[index]), ("upstream", upstream[index]), ("pooled", output),
                    ("gradient", gradient),
                ]
                items += level.map { ("p\(index + 2)-\($0.0)", $0.1) }
            }
            try SafetensorsWriter.write(
                items.map { .init(name: $0.0, tensor: withoutGradients($0.1.clone).moved(to: .cpu)) }, metadata: [:],
                to: tensors)
        }
        let report = Report(
            height: height, width: width, channels: channels, regions: regions, size: size, boxes: boxes,
            kept: kept.size(0),
            device: "\(device)", threads: Libtorch.threadCount, forward: .init(forward),
            forwardAndBackward: .init(both),
            suppression: .init(suppression))
        try ResultFiles(table: report.text, document: report).print(asJSON: json)
    }

    /// Of each repetition but the first.
    private func seconds(on device: Device, _ body: () -> Void) -> [Double] {
        (0...repetitions).map { _ in
            let start = ContinuousClock.now
            body()
            device.synchronize()
            return (ContinuousClock.now - start).seconds
        }.suffix(repetitions)
    }

    private struct Report: Encodable {
        struct Seconds: Encodable {
            let median, fastest, slowest: Double

            init(_ values: [Double]) {
                let sorted = values.sorted()
                median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
                (fastest, slowest) = (sorted[0], sorted[sorted.count - 1])
            }

            var text: String {
                String(format: "%8.2f ms  (%.2f to %.2f)", 1e3 * median, 1e3 * fastest, 1e3 * slowest)
            }
        }

        let height, width, channels, regions, size, boxes, kept: Int
        let device: String
        let threads: Int
        let forward, forwardAndBackward, suppression: Seconds

        var text: String {
            """
            \(regions) regions of \(size) x \(size), \(channels) channels, a picture of \(height) x \(width), \(device), \(threads) threads
              forward               \(forward.text)
              forward and backward  \(forwardAndBackward.text)
            \(boxes) boxes, of which \(kept) are kept
              suppression           \(suppression.text)
            """
        }
    }
}
