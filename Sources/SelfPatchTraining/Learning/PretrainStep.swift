import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors

/// What a step was like. Losses are means over the whole batch.
package struct StepReport: Sendable {
    package var imageLoss = 0.0
    /// Before its weight; 0 without a patch loss.
    package var patchLoss = 0.0
    /// What was minimised.
    package var loss = 0.0
    /// Norm of all gradients together, before clipping.
    package var gradientNorm = 0.0
    /// Only on steps that were watched.
    package var imageSigns: Signs.Distribution?
    package var patchSigns: Signs.Distribution?
    package var likeness: Signs.Likeness?
    package var imageCenterNorm: Double?
    package var patchCenterNorm: Double?

    package init(imageLoss: Double = 0, patchLoss: Double = 0, loss: Double = 0, gradientNorm: Double = 0) {
        self.imageLoss = imageLoss
        self.patchLoss = patchLoss
        self.loss = loss
        self.gradientNorm = gradientNorm
    }

    package var isFinite: Bool { loss.isFinite && gradientNorm.isFinite }
}

/// A step whose loss or gradients are not numbers. Nothing was changed: weights, centres and counters are those before it.
package struct NonFiniteStep: Error {
    package let report: StepReport
}

extension Learner {
    /// One step of the paper's algorithm on a batch that comes in one part or several (gradient accumulation: the same step).
    /// - Parameters:
    ///   - number: of the step, from 0: with the seed it decides all that is random here.
    ///   - watched: whether to look for the signs of health as well.
    ///   - clock: times the parts.
    /// - Throws: `NonFiniteStep` before anything is changed.
    package func step(
        _ parts: [BatchPart], _ rates: Rates, number: Int, watched: Bool = false, clock: StepClock? = nil
    ) throws -> StepReport {
        let signs = watched ? Signs() : nil
        let losses = gradients(of: parts, rates, number: number, signs: signs, clock: clock)
        var (report, norms) = clock.measure(.clipping) {
            losses.read(
                with: GradientClipping.norms(of: optimizer.groups.trained), patchWeight: settings.objective.patchWeight)
        }
        guard report.isFinite else {
            forgetStep()
            throw NonFiniteStep(report: report)
        }
        clock.measure(.clipping) {
            GradientClipping.clip(optimizer.groups.trained, norms, to: settings.clip)  // each tensor by itself
        }
        clock.measure(.update) { update(rates) }
        if let signs { look(signs, &report) }
        return report
    }

    /// Forward and backward: the losses, and the gradients of the whole batch in the student's parameters.
    package func gradients(
        of parts: [BatchPart], _ rates: Rates, number: Int, signs: Signs? = nil, clock: StepClock? = nil
    ) -> RunningLosses {
        let device = student.device
        let batch = parts.reduce(0) { $0 + $1.images }
        let draw = PatchDraw(share: settings.objective.patchShare, seed: settings.seed, step: number)
        let temperatures = Objective.Temperatures(image: rates.imageTemperature, patch: rates.patchTemperature)
        let losses = RunningLosses(device)

        for part in parts {  // micro-batches: one, unless accumulation is on
            let share = Double(part.images) / Double(batch)
            let groups = clock.measure(.views) { part.groups }
            let targets = clock.measure(.teacher) { self.targets(for: groups, draw) }
            let imageLoss = clock.measure(.losses) { self.imageLoss(targets, temperatures, signs) }
            for views in turns(of: groups) {  // all views together, or in turn to save memory
                let predictions = clock.measure(.student) { self.predictions(for: views, draw, step: number) }
                let loss = clock.measure(.losses) { self.losses(predictions, imageLoss, targets, temperatures, signs) }
                clock.measure(.backward) { (loss.total * share).backward() }  // gradients add up
                losses.add(loss, share)
            }
            objective.collect(targets)
            signs?.observe(targets)
        }
        return losses
    }

    /// What follows the gradients, in the reference's order.
    package func update(_ rates: Rates) {
        traced("centres") { objective.moveCenters() }  // once a step: the losses used the old ones
        if rates.lastLayerIsFrozen { LastLayerFreeze.dropGradients(optimizer.groups.trained) }
        traced("optimiser") { optimizer.update(rate: rates.learningRate, decay: rates.weightDecay) }
        dropGradients()
        traced("moving average") { teacher.follow(student, momentum: rates.teacherMomentum) }
    }

    /// The teacher alone: moves the centres to the mean of what it says, before the first step.
    /// - Parameter round: from 0; after n rounds the centres are plain means over the n batches.
    package func prepareCenters(_ parts: [BatchPart], round: Int) {
        let draw = PatchDraw(share: settings.objective.patchShare, seed: settings.seed, step: 0)
        for part in parts {
            objective.collect(targets(for: part.groups, draw))
        }
        objective.moveCenters(momentum: Double(round) / Double(round + 1))
    }

    private func targets(for groups: [Views], _ draw: PatchDraw) -> Targets {
        settings.precision.run(on: student.device) {
            teacher.targets(for: groups, settings.objective, draw: draw) { objective.matching(on: $0) }
        }
    }

    private func predictions(for views: [Views], _ draw: PatchDraw, step: Int) -> Predictions {
        settings.precision.run(on: student.device) {
            student.predictions(
                for: views, settings.objective, draw: draw, recomputing: settings.checkpointsActivations
            ) {
                DropPath(
                    rate: settings.dropPath, depth: settings.architecture.depth, seed: settings.seed, step: step,
                    rows: $0.rows)
            }
        }
    }

    private func imageLoss(
        _ targets: Targets, _ temperatures: Objective.Temperatures, _ signs: Signs?
    ) -> DINOLoss {
        settings.precision.run(on: student.device) {
            traced("cross-entropy") { objective.imageLoss(targets, temperatures, signs: signs) }
        }
    }

    private func losses(
        _ predictions: Predictions, _ imageLoss: DINOLoss, _ targets: Targets, _ temperatures: Objective.Temperatures,
        _ signs: Signs?
    ) -> Objective.Losses {
        settings.precision.run(on: student.device) {
            traced("cross-entropy") { objective.losses(predictions, imageLoss, targets, temperatures, signs: signs) }
        }
    }

    private func turns(of groups: [Views]) -> [[Views]] {
        settings.viewsInTurn ? groups.flatMap(\.singly).map { [$0] } : [groups]
    }

    private func look(_ signs: Signs, _ report: inout StepReport) {
        report.imageSigns = signs.image(loss: report.imageLoss)
        report.patchSigns = signs.patch(loss: report.patchLoss)
        report.likeness = signs.likeness
        report.imageCenterNorm = objective.imageCenter.value.norm().item()
        report.patchCenterNorm = objective.patchCenter.map { $0.value.norm().item() }
    }

    private func forgetStep() {
        dropGradients()
        objective.forgetCollected()
    }

    private func dropGradients() {
        for parameter in optimizer.groups.trained { parameter.tensor.gradient = nil }
    }
}

/// Sums of losses that stay on the device until the step's one look at them.
package struct RunningLosses {
    private let image: Tensor
    private let patch: Tensor

    init(_ device: Device) {
        image = .zeros([], device: device)
        patch = .zeros([], device: device)
    }

    func add(_ losses: Objective.Losses, _ share: Double) {
        withoutGradients {
            image.add(losses.image, scale: share)
            if let loss = losses.patch { patch.add(loss, scale: share) }
        }
    }

    /// The step's one look at the device: it waits.
    /// - Parameter norms: of all gradients, `[count]`; they are given back as numbers.
    package func read(with norms: Tensor?, patchWeight: Double) -> (report: StepReport, norms: [Float]) {
        let norms = norms ?? .zeros([0], device: image.device)
        let values = Tensor.concatenated([.stacked([image, patch, norms.norm()]), norms]).floats()
        let (imageLoss, patchLoss) = (Double(values[0]), Double(values[1]))
        let report = StepReport(
            imageLoss: imageLoss, patchLoss: patchLoss, loss: imageLoss + patchWeight * patchLoss,
            gradientNorm: Double(values[2]))
        return (report, Array(values.dropFirst(3)))
    }
}
