import Foundation
import SelfPatchModel

/// What one step says about the state of the learning. Entropies and divergences are in units of ln K, K the outputs of
/// the head, so that 1 is uniform and 0 a single output. The bounds lie where
/// small runs that failed had parted from those that learned.
package struct HealthSigns: Codable, Equatable, Sendable {
    /// H: mean entropy of the teacher's image targets.
    package var teacherEntropy: Double
    /// Hm: entropy of the batch's mean target. Hm - H is what the targets say about the image.
    package var meanTeacherEntropy: Double
    /// KL: divergence of the student's predictions from the targets, loss minus H.
    package var divergence: Double
    /// ic: mean cosine between the teacher's image summaries of different images of the batch.
    package var summaryCosine: Double?
    /// Norm of the image center divided by the root of K/d: 1 where all outputs point one way, as long as the
    /// prototypes are spread evenly.
    package var centerNorm: Double
    /// Norm of all gradients before clipping.
    package var gradientNorm: Double
    /// The patch loss's signs; nil without patch loss.
    package var patch: Patch?

    package struct Patch: Codable, Equatable, Sendable {
        package var teacherEntropy: Double
        package var meanTeacherEntropy: Double
        package var divergence: Double
        package var centerNorm: Double
    }

    /// Mean cosine between different patches of one image, in the teacher's last block.
    package var patchCosine: Double?
    /// Share of the patches' variance that lies within images.
    package var withinImageShare: Double?

    /// The signs of a step that was watched; nil for any other.
    package init?(_ report: StepReport, heads: HeadSizes) {
        guard let image = report.imageSigns else { return nil }
        func scaled(_ norm: Double?, _ prototypes: Int) -> Double {
            (norm ?? 0) / (Double(prototypes) / Double(heads.bottleneck)).squareRoot()
        }
        teacherEntropy = image.entropy
        meanTeacherEntropy = image.meanEntropy
        divergence = image.divergence
        centerNorm = scaled(report.imageCenterNorm, heads.imagePrototypes)
        gradientNorm = report.gradientNorm
        patch = report.patchSigns.map {
            Patch(
                teacherEntropy: $0.entropy, meanTeacherEntropy: $0.meanEntropy, divergence: $0.divergence,
                centerNorm: scaled(report.patchCenterNorm, heads.patchPrototypes))
        }
        summaryCosine = report.likeness?.images
        patchCosine = report.likeness?.patches
        withinImageShare = report.likeness?.varianceWithinImages
    }

    /// The signs with the names that they have in `metrics.jsonl`.
    package var metrics: [Metric] {
        var metrics = [
            Metric("teacherEntropy", teacherEntropy), Metric("meanTeacherEntropy", meanTeacherEntropy),
            Metric("divergence", divergence), Metric("centerNorm", centerNorm),
        ]
        if let summaryCosine { metrics.append(Metric("summaryCosine", summaryCosine)) }
        if let patchCosine { metrics.append(Metric("patchCosine", patchCosine)) }
        if let withinImageShare { metrics.append(Metric("withinImageShare", withinImageShare)) }
        if let patch {
            metrics += [
                Metric("patchTeacherEntropy", patch.teacherEntropy),
                Metric("patchMeanTeacherEntropy", patch.meanTeacherEntropy),
                Metric("patchDivergence", patch.divergence), Metric("patchCenterNorm", patch.centerNorm),
            ]
        }
        return metrics
    }
}

/// From when on a sign is worth a warning, and from when on an alarm. The defaults come from small runs on photographs;
/// those for a full collapse are extrapolated.
package struct HealthSettings: Codable, Equatable, Sendable {
    /// Watch the signs and say in the log what they mean.
    package var isWatched = true
    /// Steps from one look at the signs to the next; a look costs a sixth of a small model's step.
    package var every = 10
    /// Looks that are averaged before a sign is judged; single batches scatter.
    package var averaged = 5
    /// The run's start, in which nothing is judged.
    package var quietStart = Span.percent(5)
    /// Bounds are [warning, alarm]. Below: what the teacher's targets say about the image, Hm - H.
    package var information = [0.12, 0.05]
    /// Above: teacher entropy H, towards uniform targets.
    package var teacherEntropy = [0.8, 0.95]
    /// Below: entropy of the batch's mean target Hm, towards a single output.
    package var meanTeacherEntropy = [0.3, 0.1]
    /// Below: divergence of student from teacher.
    package var divergence = [0.08, 0.03]
    /// Above: cosine between the summaries of different images.
    package var summaryCosine = [0.65, 0.8]
    /// Above: cosine between patches of one image; the warning is this far above its start, the alarm absolute.
    package var patchCosine = [0.15, 0.9]
    /// Below: within-image share of the patch variance; the warning as a share of its start, the alarm absolute.
    package var withinImageShare = [0.8, 0.1]
    /// Above, after a fifth of the run: norm of the image center. Evenly spread prototypes give 1 at most; trained ones
    /// gather, and healthy runs reached 2.4.
    package var centerNorm = [4.0, 8.0]
    /// Above: patch teacher's entropy.
    package var patchTeacherEntropy = [0.8, 0.95]
    /// Below: entropy of the batch's mean patch target.
    package var patchMeanTeacherEntropy = [0.15, 0.05]
    /// Below: divergence of the patch predictions.
    package var patchDivergence = [0.03, 0.01]
    /// Below, while the teacher entropy is above 0.85: gradient norm.
    package var gradientNorm = [0.5, 0.05]

    package init() {}
}

/// Watches the signs of a run, averaged over some steps, and says in words what is wrong and what to try.
///
/// A sign speaks when it gets worse, and once more when it is fine again.
package struct Health: Codable, Equatable, Sendable {
    package enum Level: Int, Codable, Comparable, Sendable {
        case fine, warning, alarm
        package static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    private var recent: [HealthSigns] = []
    private var startPatchCosine: Double?
    private var startWithinImageShare: Double?
    private var levels: [String: Level] = [:]

    package init() {}

    /// Takes in the signs of one step.
    ///
    /// - Parameters:
    ///   - step: steps done, from 1.
    ///   - views: global views in a batch, two an image: they bound what a batch can show of the targets' variety.
    ///   - imageOutputs: K of the image head.
    /// - Returns: sentences for the log; mostly none.
    package mutating func watch(
        _ signs: HealthSigns, step: Int, stepCount: Int, stepsPerEpoch: Int, views: Int, imageOutputs: Int,
        settings: HealthSettings
    ) -> [String] {
        recent.append(signs)
        if recent.count > settings.averaged { recent.removeFirst(recent.count - settings.averaged) }
        guard recent.count == settings.averaged else { return [] }
        startPatchCosine = startPatchCosine ?? mean(\.patchCosine)
        startWithinImageShare = startWithinImageShare ?? mean(\.withinImageShare)
        guard step > settings.quietStart.steps(stepsPerEpoch: stepsPerEpoch, runLength: stepCount) else { return [] }

        // A batch of n views can show at most ln(n)/ln(K) of variety; the bounds were measured where that is 0.6.
        let variety = min(1, log(Double(max(2, views))) / log(Double(max(2, imageOutputs))) / 0.6)
        return judgements(settings, variety: variety, isLate: step * 5 > stepCount).compactMap { report($0) }
    }

    private struct Judgement {
        let sign: String
        let value: Double
        let level: Level
        let meaning: String
    }

    private func judgements(_ settings: HealthSettings, variety: Double, isLate: Bool) -> [Judgement] {
        var found: [Judgement] = []
        func below(_ sign: String, _ value: Double?, _ bounds: [Double], _ meaning: String) {
            guard let value, bounds.count == 2 else { return }
            let level: Level = value < bounds[1] ? .alarm : value < bounds[0] ? .warning : .fine
            found.append(Judgement(sign: sign, value: value, level: level, meaning: meaning))
        }
        func above(_ sign: String, _ value: Double?, _ bounds: [Double], _ meaning: String) {
            guard let value, bounds.count == 2 else { return }
            let level: Level = value > bounds[1] ? .alarm : value > bounds[0] ? .warning : .fine
            found.append(Judgement(sign: sign, value: value, level: level, meaning: meaning))
        }
        let entropy = mean(\.teacherEntropy)
        let meanEntropy = mean(\.meanTeacherEntropy)
        let information = entropy.flatMap { entropy in meanEntropy.map { $0 - entropy } }
        below(
            "what the teacher says about an image (Hm - H)", information, settings.information.map { $0 * variety },
            "The teacher says nearly the same of every image: raise teacher.momentum, or lower optimizer.learningRate.")
        above(
            "teacher entropy (H)", entropy, settings.teacherEntropy,
            "Its targets are becoming uniform: lower teacher.temperature, or raise teacher.momentum.")
        below(
            "entropy of the mean target (Hm)", meanEntropy, settings.meanTeacherEntropy.map { $0 * variety },
            "Few outputs are in use, at 0 a single one: raise teacher.temperature, and look at the center.")
        below(
            "divergence of student from teacher (KL)", mean(\.divergence), settings.divergence,
            (entropy ?? 0) > 0.65
                ? "The student has nothing left to learn, for the targets are nearly uniform: lower teacher.temperature."
                : "The student has nothing left to learn: raise teacher.momentum.")
        above(
            "cosine between image summaries", mean(\.summaryCosine), settings.summaryCosine,
            "All images look alike to the teacher: raise teacher.momentum, or lower optimizer.learningRate.")
        let alike =
            mean(\.patch?.teacherEntropy) == nil
            ? "The patches of an image become alike: raise teacher.momentum, or lower optimizer.learningRate."
            : "The patches of an image become alike: lower objective.patchWeight, or raise teacher.patchTemperature."
        above(
            "cosine between patches of one image", mean(\.patchCosine),
            [(startPatchCosine ?? 1) + settings.patchCosine[0], settings.patchCosine[1]], alike)
        below(
            "within-image share of the patch variance", mean(\.withinImageShare),
            [(startWithinImageShare ?? 0) * settings.withinImageShare[0], settings.withinImageShare[1]], alike)
        if isLate {
            above(
                "norm of the image center", mean(\.centerNorm), settings.centerNorm,
                "The outputs all point one way: raise teacher.momentum, or set the center first (teacher.centerWarmupSteps)."
            )
        }
        above(
            "patch teacher entropy", mean(\.patch?.teacherEntropy), settings.patchTeacherEntropy,
            "The patch targets are becoming uniform: lower teacher.patchTemperature.")
        below(
            "entropy of the mean patch target", mean(\.patch?.meanTeacherEntropy), settings.patchMeanTeacherEntropy,
            "Few patch outputs are in use: raise teacher.patchTemperature.")
        below(
            "divergence of the patch predictions", mean(\.patch?.divergence), settings.patchDivergence,
            "The patch loss has nothing left to teach: lower teacher.patchTemperature, or raise teacher.momentum.")
        if (entropy ?? 0) > 0.85 {
            below(
                "gradient norm", mean(\.gradientNorm), settings.gradientNorm,
                "Uniform targets and hardly a gradient: the signal is gone. Start again with a lower teacher.temperature "
                    + "or a higher teacher.momentum.")
        }
        return found
    }

    /// The sentence for the log if this sign's level changed.
    private mutating func report(_ judgement: Judgement) -> String? {
        let before = levels[judgement.sign] ?? .fine
        guard judgement.level != before else { return nil }
        levels[judgement.sign] = judgement.level
        let value = String(format: "%.3g", judgement.value)
        switch judgement.level {
        case .fine: return "Health: \(judgement.sign) is fine again, at \(value)."
        case .warning where before == .alarm:
            return "Health: \(judgement.sign) is better, at \(value), but still not fine."
        case .warning: return "Health, warning: \(judgement.sign) is at \(value). \(judgement.meaning)"
        case .alarm: return "Health, ALARM: \(judgement.sign) is at \(value). \(judgement.meaning)"
        }
    }

    private func mean(_ sign: (HealthSigns) -> Double?) -> Double? {
        let values = recent.compactMap(sign)
        return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
