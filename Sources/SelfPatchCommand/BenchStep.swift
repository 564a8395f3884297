import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// `selfpatch bench step`: seconds of a training step, by part.
struct BenchStep: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Measure the training step: data wait, teacher, student, losses, backward, update.",
        discussion: """
            Images are read into memory first, so that the disk plays no part; then the image pipeline works beside the
            step, as in a run. With --random-views there is no pipeline. The first step warms up and does not count.
            Medians of the parts need not add up to the median of the step. With --trace parts are divided by kind of layer,
            as means, which add up; that is for the CPU, where an operation has ended when the next one begins.

            EXAMPLES
              selfpatch bench step
              selfpatch bench step --size tiny --trace
              selfpatch bench step --random-views --trace --trace-file step.json
              selfpatch bench step photos --size tiny --batch 16 --steps 8
              selfpatch bench step --random-views --precision bf16 --views-in-turn --json
            """)

    @Argument(help: "A folder of images. Without it, drawn scenes of 430 x 430 pixels as JPEGs.")
    var folder: String?

    @Flag(help: "Views of random bytes take the images' place.")
    var randomViews = false

    @Option(help: "Size of the network: nano, tiny, small or base.")
    var size = Architecture.Size.small

    @Option(help: "Images a step.")
    var batch = 8

    @Option(help: "Parts that a step's images are taken through one after the other.")
    var accumulation = 1

    @Option(help: "Steps that count.")
    var steps = 4

    @Option(help: "Local views an image.")
    var localViews = 8

    @Option(help: "Weight of the patch loss; 0 is DINO alone.")
    var patchWeight = 0.1

    @Option(help: "Threads of one operation; 0 is one for each core.")
    var threads = 0

    @Option(help: "Threads of the image pipeline; 0 is one for each core but one.")
    var workers = 0

    @Option(help: "float32 or bf16.")
    var precision = Precision.float32

    @Option(help: "auto, cpu, cuda, cuda:N or mps.")
    var device = "auto"

    @Flag(help: "Each view forward and backward by itself: less memory.")
    var viewsInTurn = false

    @Flag(help: "Compute the student's blocks again for the backward: less memory.")
    var checkpointActivations = false

    @Flag(help: "Divide the parts by kind of layer: attention, MLP, norms, heads, losses, forward and backward.")
    var trace = false

    @Option(
        help: ArgumentHelp("Write the last step for chrome://tracing or Perfetto (with --trace).", valueName: "file"))
    var traceFile: String?

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        guard batch > 0, steps > 0, (1...batch).contains(accumulation), batch % accumulation == 0, localViews >= 0,
            threads >= 0, workers >= 0
        else {
            throw ValidationError(
                "--batch and --steps must be at least 1, --accumulation a divisor of --batch, --local-views, --threads and --workers at "
                    + "least 0.")
        }
        if precision == .float16 {
            throw ValidationError("--precision is float16, which is for features; steps take bf16.")
        }
        if traceFile != nil, !trace { throw ValidationError("--trace-file is for --trace.") }
        if randomViews, folder != nil { throw ValidationError("--random-views takes no images: leave the folder out.") }
    }

    func run() throws {
        let device = try Device.resolve(device)
        if trace, device != .cpu {
            throw UserError(
                "--trace is for the CPU: what runs on \(device) goes on while the next operation begins. Leave it out, or say --device cpu.",
                kind: .usage)
        }
        if threads > 0 { Libtorch.threadCount = threads }
        var settings = PretrainSettings()
        (settings.model.width, settings.model.depth, settings.model.heads) = (size.width, size.depth, size.heads)
        settings.objective.patchWeight = patchWeight
        settings.views.localCount = localViews
        settings.schedule.batchSize = batch
        settings.schedule.accumulation = accumulation
        settings.schedule.viewsInTurn = viewsInTurn
        settings.schedule.checkpointActivations = checkpointActivations
        let views = settings.views
        var sizes = settings.learner(on: device)
        sizes.precision = precision
        let learner = Learner(sizes, device: device)
        let nextBatch = try batches(views, on: device)
        let rates = Rates(
            learningRate: 1e-4, weightDecay: 0.04, teacherMomentum: 0.996, imageTemperature: 0.04,
            patchTemperature: 0.04,
            lastLayerIsFrozen: false)

        func step(_ number: Int, _ clock: StepClock?) throws -> Double {
            let start = ContinuousClock.now
            let parts = try clock.measure(.data) { try (0..<accumulation).map { _ in try nextBatch() } }
            _ = try learner.step(parts.map { BatchPart($0, views, on: device) }, rates, number: number, clock: clock)
            device.synchronize()
            return (ContinuousClock.now - start).seconds
        }
        var measured: [StepMeasurement.Step] = []
        for number in 0...steps {
            let clock = StepClock(device)
            let (seconds, spans) = trace ? try tracing { try step(number, clock) } : (try step(number, clock), [])
            // On a GPU a clock waits after each part, which a run does not: whole steps are timed by themselves.
            let whole = device == .cpu ? seconds : try step(number, nil)
            if number > 0 { measured.append(.init(seconds: whole, parts: clock.seconds, spans: spans)) }
        }
        if let traceFile, let last = measured.last {
            try AtomicFile.write(try JSONEncoder().encode(ChromeTrace(last.spans)), to: traceFile)
        }
        let report = StepMeasurement(
            size: size.rawValue, batch: batch, accumulation: accumulation, localViews: localViews,
            device: device.description,
            precision: precision.rawValue, threads: Libtorch.threadCount, viewsInTurn: viewsInTurn,
            checkpointActivations: checkpointActivations,
            peakBytes: device.peakBytes, estimatedBytes: Int(StepMemory(settings, student: learner.student).bytes),
            isTraced: trace, measured)
        print(json ? try report.json() : report.text)
    }

    /// Where the batches come from: the image pipeline, or one batch of noise again and again.
    private func batches(_ views: MultiCropSettings, on device: Device) throws -> () throws -> ViewBatch {
        if randomViews {
            let noise = ViewBatch.noise(images: batch / accumulation, views, on: device)
            return { noise }
        }
        let files = try folder.map(BenchFiles.init(folder:)) ?? BenchFiles(scenes: 32)
        let source = files.source(atLeast: 4 * batch)
        let loader = ViewLoader(
            source: source, settings: views,
            batches: try MicroBatches(images: source.count, batch: batch, parts: accumulation, seed: 0),
            workers: workers, device: device)
        return { try loader.nextBatch() }
    }
}

extension Architecture.Size: ExpressibleByArgument {}
