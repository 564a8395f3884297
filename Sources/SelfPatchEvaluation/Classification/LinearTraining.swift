import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// DINO's linear probe: classifiers on the features of a network that stays as it is, several learning rates and features in
/// one pass over the data.
///
/// Source: eval_linear.py of DINO: SGD with momentum, a rate that falls from epoch to epoch along half a cosine, random
/// resized crops and flips for training, the middle of the image for validation.
package final class LinearTraining: TrainingRun {
    package let settings: LinearSettings
    package let training: ClassFolder
    package let validation: ClassFolder
    package private(set) var done: Int
    package let clock: RunClock
    package let machine: Checkpoint.Machine
    package let stepsPerEpoch: Int
    let extractor: FeatureExtractor
    let images: SampleSource<Pixels>
    let folder: RunFolder
    package let log: RunLog
    private let order: MicroBatches
    private let diary: StepDiary
    private let probes: [(feature: ProbeFeature, classifiers: LinearClassifiers)]
    private let taking: (Int, Int) -> Void
    private var taken: Taken?

    /// What is taken before the first step.
    private struct Taken {
        let batches: TrainingFeatures
        /// Features of the validation images, taken once: nothing that is trained changes them.
        let queries: FeatureExtractor.ImageFeatures
        /// The class of each.
        let truth: [Int]
    }

    /// Takes the features that are needed but once, then runs to the end, or to where it has to stop.
    ///
    /// - Throws: `RunEnding` where it has to stop before the first step.
    package func run() throws -> RunEnding {
        taken = try clock.withoutCounting(takeFeatures)
        return try runSteps()
    }

    /// Prepares a run, from its beginning or from a checkpoint.
    ///
    /// - Parameters:
    ///   - settings: valid ones.
    ///   - network: the trained network that they name.
    ///   - images: those of `training`, with a note of what cannot be read.
    ///   - show: is handed the state of things after every step.
    ///   - taking: is told how many images' features are taken before the first step, of how many.
    package init(
        _ settings: LinearSettings, network: TrainedNetwork, training: ClassFolder, validation: ClassFolder,
        images: SampleSource<Pixels>, in folder: RunFolder, from checkpoint: Checkpoint?, log: RunLog,
        deadline: ContinuousClock.Instant? = nil, show: @escaping (RunProgress) -> Void = { _ in },
        taking: @escaping (Int, Int) -> Void = { _, _ in }
    ) throws {
        self.settings = settings
        self.training = training
        self.validation = validation
        self.images = images
        self.folder = folder
        self.log = log
        let architecture = network.description.architecture
        self.taking = taking
        order = try MicroBatches(images: training.count, batch: settings.batchSize, seed: settings.seed)
        stepsPerEpoch = order.stepsPerEpoch
        var extractor = try network.extractor(view: settings.view)
        extractor.blockCount = try network.checkedBlocks(settings.blocks)
        self.extractor = extractor
        let device = network.network.device
        machine = Checkpoint.Machine(device: device, precision: .float32)
        done = checkpoint?.state.step ?? 0
        clock = RunClock(deadline: deadline)
        diary = StepDiary(
            log, clock, stepCount: settings.epochs * stepsPerEpoch, stepsPerEpoch: stepsPerEpoch,
            batchSize: settings.batchSize, logEvery: settings.run.logEvery, show: show)
        probes = settings.features.map { feature in
            let width = feature.width(architecture.width, blocks: settings.blocks)
            return (
                feature,
                LinearClassifiers(
                    width: width, classCount: training.classes.count, rateCount: settings.learningRates.count,
                    momentum: settings.momentum, seed: settings.seed, device: device)
            )
        }
        try checkpoint?.restore(state)
    }

    private func takeFeatures() throws -> Taken {
        let (clock, taking) = (clock, taking)
        let isCached = settings.augmentation == .none
        let total = validation.count + (isCached ? training.count : 0)
        func features(
            of images: Int, after done: Int, image: @Sendable (Int) throws -> Pixels
        ) throws -> FeatureExtractor.ImageFeatures {
            let progress = { (count: Int) in
                taking(done + count, total)
                try clock.checkStop()
            }
            return try extractor.features(count: images, progress: progress, image: image)
        }
        let (validation, images, channels) = (validation, images, extractor.network.architecture.channels)
        let queries = try features(of: validation.count, after: 0) { try validation.pixels(of: $0, channels: channels) }
        let numbers = try training.numbers(ofClassesIn: validation)
        let truth = queries.indices.map { numbers[validation.label(of: $0)] }
        for error in queries.skipped { try log.note("Left out of the validation: \(error.message)") }
        guard isCached else {
            let crops = CropFeatures(
                extractor, images, labels: training.label, order: order, workers: settings.workers, step: done)
            return Taken(batches: .fresh(crops), queries: queries, truth: truth)
        }
        let all = try features(of: training.count, after: validation.count) { try images.read($0) }
        for error in all.skipped { try log.note("Left out of the training: \(error.message)") }
        let cached = CachedFeatures(
            all, labels: training.label, order: order, device: extractor.network.device, step: done)
        return Taken(batches: .cached(cached), queries: queries, truth: truth)
    }

    private var features: Taken {
        guard let taken else { preconditionFailure("a probe that has not taken its features") }
        return taken
    }

    package var stepCount: Int { settings.epochs * stepsPerEpoch }
    package var checkpointInterval: Int { interval(settings.run.checkpointEvery) }
    package var scoreInterval: Int { interval(settings.scoreEvery) }

    /// The share of the starting rates that an epoch has: half a cosine that would reach 0 after the last.
    static func rateShare(epoch: Int, of epochs: Int) -> Double {
        0.5 * (1 + cos(.pi * Double(epoch) / Double(epochs)))
    }

    package func step() throws {
        let share = Self.rateShare(epoch: done / stepsPerEpoch, of: settings.epochs)
        let scale = Double(settings.batchSize) / Double(settings.learningRateBatch)
        let rates = settings.learningRates.map { $0 * scale * share }
        let batch = try features.batches.next(clock)
        let labels = Tensor(batch.labels, shape: [batch.labels.count]).moved(to: extractor.network.device)
        let losses = probes.map { probe in
            probe.classifiers.step(
                probe.feature.of(summary: batch.summary, meanPatch: batch.meanPatch), labels, rates: rates)
        }
        let values = Tensor.stacked(losses).floats().map(Double.init)
        done += 1
        let named = values.indices.map { Metric("loss.\(name($0 / rateCount, $0 % rateCount))", values[$0]) }
        try diary.record(
            step: done, [Metric("rateShare", share)] + named,
            losses: [Metric("lowest loss", values.min() ?? .nan)],
            learningRate: (settings.learningRates.max() ?? 0) * share)
    }

    package func score() throws {
        let scores = scores()
        try log.record(step: done, scores.map { Metric("top1.\($0.name)", $0.score.top1) })
        if let best = Self.best(scores) {
            try log.note(
                "Best top-1 after \(done / stepsPerEpoch) epochs: \(String(format: "%.2f", best.score.top1)) % "
                    + "(\(best.name))")
        }
    }

    package func save() throws {
        try log.synchronize()
        try Checkpoint.save(
            state,
            Checkpoint.State(
                step: done, counters: [], images: images.count, imageNames: images.namesChecksum, machine: machine),
            metadata: ["format": "selfpatch linear probe 1"], in: folder, keeping: settings.run,
            interval: checkpointInterval)
    }

    /// The score of one classifier.
    package struct Scored {
        package let feature: ProbeFeature
        package let learningRate: Double
        package let score: ClassificationScore
        var name: String { LinearTraining.name(feature, learningRate) }
    }

    /// Scores every classifier on the validation images.
    package func scores() -> [Scored] {
        let (device, queries, truth) = (extractor.network.device, features.queries, features.truth)
        var scores = [[ClassificationScore]](
            repeating: [ClassificationScore](
                repeating: ClassificationScore(classCount: training.classes.count), count: rateCount),
            count: probes.count)
        for start in stride(from: 0, to: truth.count, by: 512) {
            let rows = start..<min(start + 512, truth.count)
            for (place, probe) in probes.enumerated() {
                let features = probe.feature.of(
                    summary: queries.summary.narrowed(to: rows, dimension: 0),
                    meanPatch: queries.meanPatch.narrowed(to: rows, dimension: 0))
                let logits = probe.classifiers.logits(features.moved(to: device)).moved(to: .cpu)
                for rate in 0..<rateCount {
                    scores[place][rate].add(logits.selected(rate, dimension: 1), truth: Array(truth[rows]))
                }
            }
        }
        return zip(probes, scores).flatMap { probe, scores in
            zip(settings.learningRates, scores).map { Scored(feature: probe.feature, learningRate: $0, score: $1) }
        }
    }

    /// The highest top-1; of equal ones the first.
    static func best(_ scores: [Scored]) -> Scored? {
        scores.reduce(Scored?.none) { best, next in
            guard let best, best.score.top1 >= next.score.top1 else { return next }
            return best
        }
    }

    /// Images that were scored, and those that could not be read.
    var validationCount: Int { features.truth.count }
    var skipped: [String] { features.queries.skipped.map(\.message) }

    private var rateCount: Int { settings.learningRates.count }

    private func name(_ probe: Int, _ rate: Int) -> String {
        Self.name(settings.features[probe], settings.learningRates[rate])
    }

    private static func name(_ feature: ProbeFeature, _ rate: Double) -> String { "\(feature.rawValue).rate-\(rate)" }

    private func interval(_ span: Span) -> Int { span.interval(stepsPerEpoch: stepsPerEpoch, runLength: stepCount) }

    private var state: [NamedTensor] {
        probes.flatMap { probe in
            probe.classifiers.state.map { NamedTensor("\(probe.feature.rawValue).\($0.name)", $0.tensor) }
        }
    }
}
