import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// A pretraining run: the order of things, from the first batch to the finished weights.
package final class Pretraining: TrainingRun {
    package let settings: PretrainSettings
    package let folder: RunFolder
    package let schedules: Schedules
    package let learner: Learner
    /// Steps done.
    package private(set) var done: Int
    let images: TrainingImages
    let batches: MicroBatches
    package let machine: Checkpoint.Machine
    package let log: RunLog
    let evaluators: [any Evaluator]
    let diary: StepDiary
    var health: Health
    package let clock: RunClock
    private let loader: ViewLoader

    /// Runs to the end, or to where it has to stop.
    ///
    /// - Throws: `RunEnding` where it has to stop before the first step.
    package func run() throws -> RunEnding {
        if done == 0 { try clock.withoutCounting(prepareCenters) }
        let ending = try runSteps()
        if ending == .complete { try WeightsFile.write(learner.teacher, description, to: folder.weightsFile) }
        return ending
    }

    package func step() throws {
        let rates = schedules[done]
        let batch = try nextBatch(of: loader)
        let report = try step(on: batch, rates)
        done += 1
        try record(report, rates)
    }

    package func save() throws {
        try log.synchronize()
        let state = Checkpoint.State(
            step: done, counters: learner.optimizer.counters, health: health, images: images.count,
            imageNames: images.namesChecksum, machine: machine)
        try Checkpoint.save(
            learner, state, description, in: folder, keeping: settings.run, interval: checkpointInterval)
    }

    package var stepCount: Int { schedules.stepCount }
    package var checkpointInterval: Int { interval(settings.run.checkpointEvery) }
    package var scoreInterval: Int { interval(settings.evaluation.every) }

    /// Prepares a run, from its beginning or from a checkpoint.
    ///
    /// - Parameters:
    ///   - settings: valid ones.
    ///   - initial: what the run begins with instead of drawn weights; a checkpoint knows all of that itself.
    ///   - deadline: when the run must have ended; nil for no limit.
    ///   - show: is handed the state of things after every step.
    package init(
        _ settings: PretrainSettings, in folder: RunFolder, images: TrainingImages, from checkpoint: Checkpoint?,
        initial: InitialWeights? = nil, on device: Device, log: RunLog, evaluators: [any Evaluator] = [],
        deadline: ContinuousClock.Instant? = nil,
        show: @escaping (RunProgress) -> Void = { _ in }
    ) throws {
        self.settings = settings
        self.folder = folder
        self.images = images
        self.log = log
        self.evaluators = evaluators
        batches = try MicroBatches(
            images.mixing, batch: settings.schedule.batchSize, parts: settings.schedule.accumulation,
            seed: settings.seed)
        schedules = try Schedules(
            settings.schedule, settings.optimizer, settings.teacher, stepsPerEpoch: batches.stepsPerEpoch)
        learner = Learner(settings.learner(on: device), device: device)
        if let initial {
            initial.fill(learner.student)
            learner.teacher.copy(from: learner.student)
        }
        machine = Checkpoint.Machine(device: device, precision: learner.settings.precision)
        done = checkpoint?.state.step ?? 0
        health = checkpoint?.state.health ?? Health()
        clock = RunClock(deadline: deadline)
        diary = StepDiary(
            log, clock, stepCount: schedules.stepCount, stepsPerEpoch: schedules.stepsPerEpoch,
            batchSize: settings.schedule.batchSize, logEvery: settings.run.logEvery, show: show)
        try checkpoint?.restore(learner)
        loader = ViewLoader(
            source: images.source, settings: settings.views, batches: batches, workers: settings.data.workers,
            step: done, device: device)
    }

    /// Batches that the teacher alone sees, so that the centers start at the mean of what it says.
    private func prepareCenters() throws {
        guard settings.teacher.centerWarmupSteps > 0 else { return }
        let first = ViewLoader(
            source: images.source, settings: settings.views, batches: batches, workers: settings.data.workers,
            device: learner.student.device)
        defer { first.stop() }
        for round in 0..<settings.teacher.centerWarmupSteps {
            try clock.checkStop()
            learner.prepareCenters(try nextBatch(of: first).parts, round: round)
        }
    }

    private func nextBatch(of loader: ViewLoader) throws -> (parts: [BatchPart], names: [String]) {
        let waited = loader.waited
        let parts = try (0..<batches.parts).map { _ in try loader.nextBatch() }
        clock.waited(loader.waited - waited)
        return (parts.map { BatchPart($0, settings.views, on: learner.student.device) }, parts.flatMap(\.names))
    }

    private func step(on batch: (parts: [BatchPart], names: [String]), _ rates: Rates) throws -> StepReport {
        do {
            let isWatched = settings.health.isWatched && (done == 0 || (done + 1) % settings.health.every == 0)
            return try learner.step(batch.parts, rates, number: done, watched: isWatched)
        } catch let error as NonFiniteStep {
            throw UserError(try explanation(of: error, names: batch.names, rates))
        }
    }

    /// What the weights say of themselves.
    var description: WeightsDescription {
        WeightsDescription(
            architecture: settings.architecture, heads: settings.heads, hasPatchHead: settings.objective.hasPatchLoss,
            mean: settings.views.mean, deviation: settings.views.deviation,
            viewSize: [settings.views.globalSize.height, settings.views.globalSize.width], steps: done)
    }

    private func interval(_ span: Span) -> Int {
        span.interval(stepsPerEpoch: schedules.stepsPerEpoch, runLength: schedules.stepCount)
    }
}
