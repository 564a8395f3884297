import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// What a run writes down about its steps.
extension Pretraining {
    /// Writes a step's numbers, says what is unhealthy, and shows how far the run is.
    func record(_ report: StepReport, _ rates: Rates) throws {
        var losses = [Metric("image loss", report.imageLoss)]
        var numbers = [Metric("loss", report.loss), Metric("imageLoss", report.imageLoss)]
        if settings.objective.hasPatchLoss {
            losses.append(Metric("patch loss", report.patchLoss))
            numbers.append(Metric("patchLoss", report.patchLoss))
        }
        numbers += [
            Metric("learningRate", rates.learningRate), Metric("weightDecay", rates.weightDecay),
            Metric("teacherMomentum", rates.teacherMomentum), Metric("imageTemperature", rates.imageTemperature),
            Metric("patchTemperature", rates.patchTemperature), Metric("gradientNorm", report.gradientNorm),
        ]
        let signs = HealthSigns(report, heads: settings.heads)
        try diary.record(
            step: done, numbers + (signs?.metrics ?? []), losses: losses, learningRate: rates.learningRate)
        guard let signs else { return }
        for sentence in health.watch(
            signs, step: done, stepCount: schedules.stepCount, stepsPerEpoch: schedules.stepsPerEpoch,
            views: 2 * settings.schedule.batchSize, imageOutputs: settings.heads.imagePrototypes,
            settings: settings.health)
        {
            try log.note(sentence)
        }
    }

    /// Scores the teacher and writes the scores down.
    package func score() throws {
        let scores = try evaluators.map { evaluator in
            (name: evaluator.name, metrics: try evaluator.metrics(of: learner.teacher, clock.checkStop))
        }
        guard !scores.isEmpty else { return }
        try log.record(step: done, scores.flatMap(\.metrics))
        for (name, metrics) in scores {
            let words = metrics.map { "\($0.name) \(String(format: "%.4g", $0.value))" }.joined(separator: ", ")
            try log.note("\(name) after \(done) steps: \(words)")
        }
    }

    /// Why a step went wrong, which images it was made of, and what to try.
    func explanation(of error: NonFiniteStep, names: [String], _ rates: Rates) throws -> String {
        var what = "the image loss is \(error.report.imageLoss)"
        if settings.objective.hasPatchLoss { what += ", the patch loss \(error.report.patchLoss)" }
        what += ", the gradient's norm \(error.report.gradientNorm)"
        let message =
            "Step \(done + 1) is not a number (\(what)); nothing was changed by it, and the run stops. "
            + "\(try folder.lastGoodState) To try, in a new run: a lower optimizer.learningRate (it was \(rates.learningRate) here), a longer "
            + "optimizer.warmup, a smaller optimizer.clip"
            + (learner.settings.precision == .bf16 ? ", precision float32" : "") + "."
        try log.note("The images of step \(done + 1): \(names.joined(separator: ", "))", .record)
        return message + " The images of this step: \(names.listed(8))."
    }
}
