import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// What a run writes down about its steps.
extension Pretraining {
    /// Writes a step's numbers, says what is unhealthy, and shows how far the run is.
    func record(_ report: StepReport, _ rates: Rates) throws {
        clock.finishStep()
        var numbers = [
            Metric("epoch", Double(schedules.epoch(of: done - 1) + 1)), Metric("loss", report.loss),
            Metric("imageLoss", report.imageLoss),
        ]
        if settings.objective.hasPatchLoss { numbers.append(Metric("patchLoss", report.patchLoss)) }
        numbers += [
            Metric("learningRate", rates.learningRate), Metric("weightDecay", rates.weightDecay),
            Metric("teacherMomentum", rates.teacherMomentum), Metric("imageTemperature", rates.imageTemperature),
            Metric("patchTemperature", rates.patchTemperature), Metric("gradientNorm", report.gradientNorm),
        ]
        let signs = HealthSigns(report, heads: settings.heads)
        try log.record(step: done, numbers + (signs?.metrics ?? []))
        try log.recordSpeed(
            step: done, [Metric("seconds", clock.lastStep), Metric("dataWait", clock.lastWait)])

        var losses = [Metric("image loss", report.imageLoss)]
        if settings.objective.hasPatchLoss { losses.append(Metric("patch loss", report.patchLoss)) }
        let progress = RunProgress(
            step: done, stepCount: schedules.stepCount, epoch: schedules.epoch(of: done - 1) + 1,
            epochCount: schedules.epoch(of: schedules.stepCount - 1) + 1, losses: losses,
            learningRate: rates.learningRate,
            imagesPerSecond: Double(settings.schedule.batchSize) / clock.secondsPerStep,
            secondsLeft: clock.secondsPerStep * Double(schedules.stepCount - done), dataWaitShare: clock.waitShare)
        if done % settings.run.logEvery == 0 || done == schedules.stepCount || done == 1 {
            try log.note(progress.line, .progress)
        }
        if let signs {
            for sentence in health.watch(
                signs, step: done, stepCount: schedules.stepCount, stepsPerEpoch: schedules.stepsPerEpoch,
                views: 2 * settings.schedule.batchSize, imageOutputs: settings.heads.imagePrototypes,
                settings: settings.health)
            {
                try log.note(sentence)
            }
        }
        show(progress)
    }

    /// Scores the teacher and writes the scores down.
    func record(_ evaluator: any Evaluator) throws {
        let metrics = try clock.withoutCounting { try evaluator.metrics(of: learner.teacher) }
        try log.record(step: done, metrics)
        let scores = metrics.map { "\($0.name) \(String(format: "%.4g", $0.value))" }.joined(separator: ", ")
        try log.note("\(evaluator.name) after \(done) steps: \(scores)")
    }

    /// Why a step went wrong, which images it was made of, and what to try.
    func explanation(of error: NonFiniteStep, names: [String], _ rates: Rates) throws -> String {
        var what = "the image loss is \(error.report.imageLoss)"
        if settings.objective.hasPatchLoss { what += ", the patch loss \(error.report.patchLoss)" }
        what += ", the gradient's norm \(error.report.gradientNorm)"
        let saved = try folder.checkpoints().first.map {
            "The last good state, after \($0.step) steps, is in \($0.path)."
        }
        let message =
            "Step \(done + 1) is not a number (\(what)); nothing was changed by it, and the run stops. "
            + (saved ?? "No checkpoint had been saved before.")
            + " To try, in a new run: a lower optimizer.learningRate (it was \(rates.learningRate) here), a longer "
            + "optimizer.warmup, a smaller optimizer.clip"
            + (learner.settings.precision == .bf16 ? ", precision float32" : "") + "."
        try log.note("The images of step \(done + 1): \(names.joined(separator: ", "))", .record)
        let files = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
        return message + " The images of this step: \(files)."
    }
}
