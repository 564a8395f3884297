import Foundation
import SelfPatchFormats

/// What one step is told: the rates that the schedules give it.
package struct Rates: Equatable, Sendable {
    package var learningRate: Double
    package var weightDecay: Double
    /// Share of the teacher's weights that stays.
    package var teacherMomentum: Double
    /// The teacher's temperatures; the student's does not change.
    package var imageTemperature: Double
    package var patchTemperature: Double
    /// True while the heads' last layers stay as they are.
    package var lastLayerIsFrozen: Bool

    package init(
        learningRate: Double, weightDecay: Double, teacherMomentum: Double, imageTemperature: Double,
        patchTemperature: Double, lastLayerIsFrozen: Bool
    ) {
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.teacherMomentum = teacherMomentum
        self.imageTemperature = imageTemperature
        self.patchTemperature = patchTemperature
        self.lastLayerIsFrozen = lastLayerIsFrozen
    }

    /// A step that leaves all weights as they are, to measure what one takes.
    package static let still = Rates(
        learningRate: 0, weightDecay: 0, teacherMomentum: 1, imageTemperature: 0.04, patchTemperature: 0.04,
        lastLayerIsFrozen: false)
}

/// The rates of every step of a run. Source: `cosine_scheduler` of the reference, to the letter: the peak learning rate comes twice, and the
/// last step's values are not quite the final ones.
package struct Schedules: Sendable {
    package let stepsPerEpoch: Int
    /// Steps of the whole run.
    package let stepCount: Int
    package let warmupSteps: Int
    package let frozenSteps: Int
    private let optimizer: OptimizerSettings
    private let teacher: TeacherSettings
    private let peakLearningRate: Double

    /// - Parameter stepsPerEpoch: whole batches in the data; an incomplete last one is left out.
    /// - Throws: `UserError` if the run has no steps, or a warm-up is longer than the run.
    package init(
        _ schedule: ScheduleSettings, _ optimizer: OptimizerSettings, _ teacher: TeacherSettings, stepsPerEpoch: Int
    ) throws {
        precondition(stepsPerEpoch > 0, "an epoch without steps")
        self.stepsPerEpoch = stepsPerEpoch
        self.optimizer = optimizer
        self.teacher = teacher
        let stepCount = schedule.length.steps(stepsPerEpoch: stepsPerEpoch, runLength: 0)
        self.stepCount = stepCount
        guard stepCount > 0 else {
            throw UserError(
                "schedule.length is \(schedule.length), which makes no step (an epoch has \(stepsPerEpoch) here). "
                    + "Give at least '1 steps'.", kind: .usage)
        }
        warmupSteps = optimizer.warmup.steps(stepsPerEpoch: stepsPerEpoch, runLength: stepCount)
        frozenSteps = optimizer.freezeLastLayer.steps(stepsPerEpoch: stepsPerEpoch, runLength: stepCount)
        guard warmupSteps <= stepCount else {
            throw UserError(
                "optimizer.warmup is \(optimizer.warmup), that is \(warmupSteps) steps, longer than the run of \(stepCount) "
                    + "steps (\(schedule.length), \(stepsPerEpoch) steps an epoch). Shorten it, or lengthen schedule.length.",
                kind: .usage)
        }
        let scale =
            optimizer.learningRateBatch == 0 ? 1 : Double(schedule.batchSize) / Double(optimizer.learningRateBatch)
        peakLearningRate = optimizer.learningRate * scale
    }

    /// - Parameter step: from 0.
    package func epoch(of step: Int) -> Int { step / stepsPerEpoch }

    /// - Parameter step: from 0.
    package subscript(step: Int) -> Rates {
        let epoch = epoch(of: step)
        let temperature = temperature(epoch, from: teacher.temperatureStart, to: teacher.temperature)
        let patchEnd = teacher.patchTemperature == 0 ? teacher.temperature : teacher.patchTemperature
        let patchStart =
            teacher.patchTemperatureStart != 0
            ? teacher.patchTemperatureStart : teacher.patchTemperature == 0 ? teacher.temperatureStart : patchEnd
        return Rates(
            learningRate: cosine(step, from: peakLearningRate, to: optimizer.learningRateEnd, warmup: warmupSteps),
            weightDecay: cosine(step, from: optimizer.weightDecay, to: optimizer.weightDecayEnd),
            teacherMomentum: cosine(step, from: teacher.momentum, to: teacher.momentumEnd),
            imageTemperature: temperature,
            patchTemperature: self.temperature(epoch, from: patchStart, to: patchEnd),
            lastLayerIsFrozen: step < frozenSteps)
    }

    /// Linear from exactly 0 to exactly `start` within the warm-up, then half a cosine towards `end`.
    private func cosine(_ step: Int, from start: Double, to end: Double, warmup: Int = 0) -> Double {
        if step < warmup { return warmup == 1 ? 0 : start * Double(step) / Double(warmup - 1) }
        let phase = Double(step - warmup) / Double(stepCount - warmup)
        return end + 0.5 * (start - end) * (1 + cos(.pi * phase))
    }

    /// Constant within an epoch; equal steps over the warm-up, both ends included.
    private func temperature(_ epoch: Int, from start: Double, to end: Double) -> Double {
        let warmup = teacher.temperatureWarmupEpochs
        guard epoch < warmup else { return end }
        return warmup == 1 ? start : start + (end - start) / Double(warmup - 1) * Double(epoch)
    }
}
