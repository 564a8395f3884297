import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Training on labelled samples, step by step: all that the training of a head has beside its loss.
///
///     samples -> losses of each part of the batch, backward -> AdamW -> diary, checkpoints
///
/// The owner is the `TrainingRun`: it makes samples, computes losses and scores.
package final class SupervisedSteps<Sample: Sendable> {
    /// What a run of steps is told.
    package struct Plan {
        package var length: Span
        package var batchSize: Int
        /// The batch is worked through in so many parts, whose mean losses count by their samples.
        package var parts = 1
        package var seed: UInt64
        package var workers: Int
        package var precision: Precision
        package var weightDecay: Double
        /// The learning rate of a step, from 0.
        package var rate: (_ step: Int, _ stepCount: Int, _ stepsPerEpoch: Int) -> Double
        package var run: RunSettings
        /// What its checkpoints call themselves: "selfpatch segmentation run 1".
        package var format: String

        package init(
            length: Span, batchSize: Int, seed: UInt64, workers: Int, precision: Precision, weightDecay: Double,
            run: RunSettings, format: String, rate: @escaping (Int, Int, Int) -> Double
        ) {
            (self.length, self.batchSize, self.seed, self.workers) = (length, batchSize, seed, workers)
            (self.precision, self.weightDecay, self.run, self.format) = (precision, weightDecay, run, format)
            self.rate = rate
        }
    }

    /// Steps done.
    package private(set) var done: Int
    package let stepCount: Int
    package let clock: RunClock
    package let machine: Checkpoint.Machine
    package let batches: MicroBatches
    private let plan: Plan
    private let optimizer: AdamW
    private let trained: [NamedTensor]
    private let source: (count: Int, checksum: String)
    private let loader: SampleLoader<Sample>
    private let folder: RunFolder
    private let log: RunLog
    private let diary: StepDiary

    /// Prepares the steps, from the beginning or from a checkpoint.
    ///
    /// - Parameters:
    ///   - trained: what checkpoints hold beside the moments: all that the optimizer moves, and running statistics.
    ///   - show: is handed the state of things after every step.
    ///   - make: turns the content of a sample into what is trained on; its key decides all that is random.
    package init<Content>(
        _ plan: Plan, optimizer: AdamW, trained: [NamedTensor], device: Device, source: SampleSource<Content>,
        in folder: RunFolder, from checkpoint: Checkpoint?, log: RunLog, deadline: ContinuousClock.Instant?,
        show: @escaping (RunProgress) -> Void,
        make: @escaping @Sendable (_ content: Content, _ index: Int, _ key: SampleKey, _ scratch: ViewScratch) -> Sample
    ) throws {
        self.plan = plan
        self.optimizer = optimizer
        self.trained = trained
        self.folder = folder
        self.log = log
        self.source = (source.count, source.namesChecksum)
        machine = Checkpoint.Machine(device: device, precision: plan.precision)
        batches = try MicroBatches(images: source.count, batch: plan.batchSize, seed: plan.seed)
        stepCount = plan.length.steps(stepsPerEpoch: batches.stepsPerEpoch, runLength: 0)
        guard stepCount > 0 else {
            throw UserError("length is \(plan.length), which makes no step. Give at least '1 steps'.", kind: .usage)
        }
        for parameter in optimizer.groups.trained { parameter.tensor.requiresGradient = true }
        done = checkpoint?.state.step ?? 0
        clock = RunClock(deadline: deadline)
        diary = StepDiary(
            log, clock, stepCount: stepCount, stepsPerEpoch: batches.stepsPerEpoch, batchSize: plan.batchSize,
            logEvery: plan.run.logEvery, show: show)
        loader = SampleLoader(source: source, batches: batches, workers: plan.workers, step: done, make: make)
        if let checkpoint {
            try checkpoint.restore(state)
            guard checkpoint.state.counters.count == optimizer.counters.count else {
                throw UserError("\(checkpoint.file.path) does not fit the run: it was made with another head.")
            }
            optimizer.restore(counters: checkpoint.state.counters)
        }
    }

    /// What is trained, running statistics, and moments; a frozen backbone is read from its own file again.
    private var state: [NamedTensor] { trained + optimizer.state }

    package func interval(_ span: Span) -> Int {
        span.interval(stepsPerEpoch: batches.stepsPerEpoch, runLength: stepCount)
    }

    package var checkpointInterval: Int { interval(plan.run.checkpointEvery) }

    /// A loss with its name in the diary; what is minimised is the sum of all.
    package typealias Loss = (name: String, value: Tensor)

    /// Does the next step.
    ///
    /// - Parameter losses: of a part of the batch, given its samples and the place of the first in the batch: means over the part.
    package func step(_ losses: (_ samples: [Sample], _ first: Int) throws -> [Loss]) throws {
        let waited = loader.waited
        let (samples, names) = try loader.nextBatch()
        clock.waited(loader.waited - waited)
        let rate = plan.rate(done, stepCount, batches.stepsPerEpoch)
        var found: [(share: Double, losses: [Loss])] = []
        for part in 0..<plan.parts {
            let places = part * samples.count / plan.parts..<(part + 1) * samples.count / plan.parts
            let share = Double(places.count) / Double(samples.count)
            let own = try losses(Array(samples[places]), places.lowerBound)
            let sum = own.dropFirst().reduce(own[0].value) { $0 + $1.value }
            (plan.parts == 1 ? sum : sum * share).backward()
            found.append((share, own.map { ($0.name, $0.value.detached()) }))
        }
        let (terms, norm) = read(found)
        let loss = terms.reduce(0) { $0 + $1.value }
        guard loss.isFinite, norm.isFinite else {
            throw UserError(try explanation(of: loss, norm, names: names, rate))
        }
        optimizer.update(rate: rate, decay: plan.weightDecay)
        for parameter in optimizer.groups.trained { parameter.tensor.gradient = nil }
        done += 1
        let parts = terms.count > 1 ? terms : []
        try diary.record(
            step: done,
            [Metric("loss", loss)] + parts.map { Metric("loss.\($0.name)", $0.value) } + [Metric("learningRate", rate)],
            losses: [Metric("loss", loss)] + parts, learningRate: rate)
    }

    /// The losses over all parts of the batch, and the norm of all gradients: the step's one look at the device.
    private func read(_ parts: [(share: Double, losses: [Loss])]) -> (terms: [Metric], gradientNorm: Double) {
        let norms = GradientClipping.norms(of: optimizer.groups.trained)
        let values = Tensor.stacked(parts.flatMap { $0.losses.map(\.value) } + (norms.map { [$0.norm()] } ?? []))
            .doubles()
        let names = parts[0].losses.map(\.name)
        let terms = names.indices.map { term in
            Metric(
                names[term],
                parts.indices.reduce(0) { $0 + parts[$1].share * values[$1 * names.count + term] })
        }
        return (terms, norms == nil ? 0 : values[values.count - 1])
    }

    /// Writes a checkpoint.
    package func save() throws {
        try log.synchronize()
        try Checkpoint.save(
            state,
            Checkpoint.State(
                step: done, counters: optimizer.counters, images: source.count, imageNames: source.checksum,
                machine: machine),
            metadata: ["format": plan.format], in: folder, keeping: plan.run, interval: checkpointInterval)
    }

    private func explanation(
        of loss: Double, _ gradientNorm: Double, names: [String], _ rate: Double
    ) throws -> String {
        let what = "the loss is \(loss), the gradient's norm \(gradientNorm)"
        return "Step \(done + 1) is not a number (\(what)); nothing was changed by it, and the run stops. "
            + "\(try folder.lastGoodState) To try, in a new run: a lower optimizer.learningRate (it was \(rate) here), a "
            + "longer optimizer.warmupSteps\(plan.precision == .bf16 ? ", precision float32" : ""). The images of this step: "
            + names.listed(8) + "."
    }
}
