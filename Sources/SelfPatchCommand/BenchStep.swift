import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// `selfpatch bench step`: seconds of a training step, by part.
struct BenchStep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Measure the training step: teacher, student, losses, backward, update.",
        discussion: """
            Views of random bytes take the images' place, so neither disk nor image pipeline plays a part. The first
            step warms up and does not count. Medians of the parts need not add up to the median of the step.

            EXAMPLES
              selfpatch bench step
              selfpatch bench step --size tiny --batch 16 --steps 8
              selfpatch bench step --precision bf16 --views-in-turn --json
            """)

    @Option(help: "Size of the network: nano, tiny, small or base.")
    var size = Architecture.Size.small

    @Option(help: "Images a step.")
    var batch = 8

    @Option(help: "Steps that count.")
    var steps = 4

    @Option(help: "Local views an image.")
    var localViews = 8

    @Option(help: "Weight of the patch loss; 0 is DINO alone.")
    var patchWeight = 0.1

    @Option(help: "Threads of one operation; 0 is one for each core.")
    var threads = 0

    @Option(help: "float32 or bf16.")
    var precision = Precision.float32

    @Option(help: "auto, cpu, cuda, cuda:N or mps.")
    var device = "auto"

    @Flag(help: "Each view forward and backward by itself: less memory.")
    var viewsInTurn = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard batch > 0, steps > 0, localViews >= 0, threads >= 0 else {
            throw ValidationError("--batch and --steps must be at least 1, --local-views and --threads at least 0.")
        }
    }

    func run() throws {
        let device = try Device.resolve(device)
        if threads > 0 { Libtorch.threadCount = threads }
        var objective = ObjectiveSettings()
        objective.patchWeight = patchWeight
        let learner = Learner(
            Learner.Settings(
                architecture: Architecture(width: size.width, depth: size.depth, heads: size.heads), heads: HeadSizes(),
                objective: objective, localViewCount: localViews, viewsInTurn: viewsInTurn, precision: precision),
            device: device)
        let part = BatchPart(views(on: device))
        let rates = Rates(
            learningRate: 1e-4, weightDecay: 0.04, teacherMomentum: 0.996, imageTemperature: 0.04,
            patchTemperature: 0.04,
            lastLayerIsFrozen: false)

        var measured: [Report.Step] = []
        for number in 0...steps {
            let clock = StepClock(device)
            let start = ContinuousClock.now
            _ = try learner.step([part], rates, number: number, clock: clock)
            device.synchronize()
            if number > 0 {
                measured.append(Report.Step(seconds: (ContinuousClock.now - start).seconds, parts: clock.seconds))
            }
        }
        let report = Report(
            size: size.rawValue, batch: batch, localViews: localViews, device: device.description,
            precision: precision.rawValue, threads: Libtorch.threadCount, viewsInTurn: viewsInTurn,
            peakBytes: peakBytes(of: device), measured)
        print(json ? try report.json() : report.text)
    }

    private func views(on device: Device) -> [Views] {
        let normalize = ViewNormalization.imageNet
        let generator = Generator(seed: 1)
        func group(_ numbers: Range<Int>, _ side: Int) -> Views {
            let bytes = Tensor.uniform([numbers.count * batch, 3, side, side], low: 0, high: 256, using: generator)
            return Views(
                pixels: normalize(bytes.cast(to: .uint8).moved(to: device)), numbers: numbers, samples: 0..<batch)
        }
        return [group(0..<2, 224)] + (localViews > 0 ? [group(2..<2 + localViews, 96)] : [])
    }

    /// The most that was in use: of the process, or of the GPU's tensors.
    private func peakBytes(of device: Device) -> Int {
        if case .cuda(let index) = device { return CUDA.memory(of: index).peak }
        return Memory.peakBytes
    }

    /// What was measured; medians over the steps.
    private struct Report: Encodable {
        struct Step {
            let seconds: Double
            let parts: [StepClock.Part: Double]
        }

        let size: String
        let batch: Int
        let localViews: Int
        let device: String
        let precision: String
        let threads: Int
        let viewsInTurn: Bool
        let peakBytes: Int
        let secondsAStep: Double
        let fastest: Double
        let slowest: Double
        let imagesASecond: Double
        let parts: [String: Double]

        init(
            size: String, batch: Int, localViews: Int, device: String, precision: String, threads: Int,
            viewsInTurn: Bool,
            peakBytes: Int, _ steps: [Step]
        ) {
            self.size = size
            self.batch = batch
            self.localViews = localViews
            self.device = device
            self.precision = precision
            self.threads = threads
            self.viewsInTurn = viewsInTurn
            self.peakBytes = peakBytes
            func median(_ values: [Double]) -> Double {
                let sorted = values.sorted()
                return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            }
            let seconds = steps.map(\.seconds)
            secondsAStep = median(seconds)
            fastest = seconds.min() ?? 0
            slowest = seconds.max() ?? 0
            imagesASecond = Double(batch) / median(seconds)
            parts = Dictionary(
                uniqueKeysWithValues: StepClock.Part.allCases.map { part in
                    (part.rawValue, median(steps.map { $0.parts[part] ?? 0 }))
                })
        }

        var text: String {
            let rows = StepClock.Part.allCases.map { part in
                let seconds = parts[part.rawValue] ?? 0
                return "  \(part.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0))"
                    + String(format: "%8.3f s %5.1f %%", seconds, 100 * seconds / secondsAStep)
            }
            return """
                vit-\(size), batch \(batch), 2 global and \(localViews) local views, \(precision), \(device), \(threads) threads\
                \(viewsInTurn ? ", views in turn" : "")
                  step      \(String(format: "%8.3f s  (%.3f to %.3f)", secondsAStep, fastest, slowest))
                \(rows.joined(separator: "\n"))
                  \(String(format: "%.2f images/s, peak %.2f GB", imagesASecond, Double(peakBytes) / 1e9))
                """
        }

        func json() throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }
}

extension Architecture.Size: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
