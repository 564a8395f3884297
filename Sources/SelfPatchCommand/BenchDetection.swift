import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// `selfpatch bench detection`: the time of a detector on a picture, part by part.
struct BenchDetection: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detection",
        abstract: "Measure how long a Mask R-CNN takes for a picture: backbone, maps, and all behind them.",
        discussion: """
            The detector is freshly drawn and the picture noise, of the size that pictures are resized to; every detection of the \
            most that are told is kept, so that the mask head has all its work. The first picture warms up and does not count.

            EXAMPLES
              selfpatch bench detection
              selfpatch bench detection --size tiny --height 320 --width 448 --threads 1 --json
            """)

    @Option(help: "Size of the backbone: nano, tiny, small or base, with patches of 16 pixels.")
    var size = Architecture.Size.small

    @Option(help: ArgumentHelp("Of the picture.", valueName: "pixels"))
    var height = 800

    @Option(help: ArgumentHelp("Of the picture.", valueName: "pixels"))
    var width = 1333

    @Option(help: ArgumentHelp("How many classes.", valueName: "n"))
    var classes = 80

    @Option(help: ArgumentHelp("Patches of a window of attention; 0: none.", valueName: "n"))
    var window = 0

    @Option(help: ArgumentHelp("Pictures that count.", valueName: "n"))
    var pictures = 3

    @OptionGroup var precision: PrecisionOptions

    @OptionGroup var machine: MachineOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard 0...1_024 ~= window else { throw ValidationError("--window is \(window); it lies between 0 and 1,024.") }
        for (name, value) in [
            ("--height", height), ("--width", width), ("--classes", classes), ("--pictures", pictures),
        ] where !(1...16_384 ~= value) {
            throw ValidationError("\(name) is \(value); it lies between 1 and 16,384.")
        }
    }

    /// Medians in seconds.
    private struct Measurement: Encodable {
        let height, width, threads, detections: Int
        let precision: String
        /// From the picture to the tokens of four blocks.
        let backbone: Double
        /// From these to the five maps.
        let maps: Double
        /// From the maps to boxes, classes and masks at the picture's size.
        let heads: Double
        let peakBytes: Int

        /// Of all the time, what goes by behind the backbone.
        var shareBehind: Double { (maps + heads) / (backbone + maps + heads) }
    }

    func run() throws {
        let device = try machine.prepared()
        var settings = MaskRCNNSettings()
        settings.detections.score = 0
        settings.window = window
        let architecture = Architecture(width: size.width, depth: size.depth, heads: size.heads)
        let detector = MaskRCNN(
            Network(architecture, heads: nil, seed: 0, device: device), settings, classCount: classes, seed: 0)
        let padded = (height: detector.padded(height), width: detector.padded(width))
        let view = Tensor.normal([1, 3, padded.height, padded.width], using: Generator(seed: 1)).moved(to: device)
        let blocks = settings.blocks(depth: architecture.depth).map { $0 - 1 }
        var (backbone, maps, all): ([Double], [Double], [Double]) = ([], [], [])
        var found = 0
        func seconds(_ body: () -> Void) -> Double {
            let start = ContinuousClock.now
            withoutGradients { precision.precision.run(on: device, body) }
            device.synchronize()
            return (ContinuousClock.now - start).seconds
        }
        for number in 0...pictures {
            let times = [
                seconds { _ = detector.network.backbone.levels(blocks, of: view, window: window) },
                seconds { _ = detector.maps(of: view, .use) },
                seconds {
                    let detections = detector.detections(in: view, height: height, width: width, factors: (1, 1))
                    for detection in detections {
                        if let mask = detection.mask {
                            _ = PastedMask(mask, in: detection.box, height: height, width: width)
                        }
                    }
                    found = detections.count
                },
            ]
            guard number > 0 else { continue }
            backbone.append(times[0])
            maps.append(times[1])
            all.append(times[2])
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let result = Measurement(
            height: height, width: width, threads: Libtorch.threadCount, detections: found,
            precision: precision.precision.rawValue, backbone: median(backbone), maps: median(maps) - median(backbone),
            heads: median(all) - median(maps), peakBytes: device.peakBytes)
        let files = try ResultFiles(table: table(of: result), document: result)
        files.print(asJSON: json)
    }

    private func table(of result: Measurement) -> String {
        func line(_ name: String, _ seconds: Double) -> String {
            name.padding(toLength: 12, withPad: " ", startingAt: 0) + String(format: "%8.3f s", seconds)
        }
        return """
            Mask R-CNN on \(size.rawValue)/16, \(height) x \(width) pixels, \(result.threads) threads, \(result.precision), \
            \(result.detections) detections
            \(line("backbone", result.backbone))
            \(line("maps", result.maps))
            \(line("heads", result.heads))
            \(String(format: "%.0f %% of the time goes by behind the backbone; peak memory %.2f GB", 100 * result.shareBehind, Double(result.peakBytes) / 1e9))
            """
    }
}
