import Foundation
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import TestSupport
import Testing

/// The authors' own training steps, tensor by tensor.
@Suite(.requires(Goldens.of(.step)), .serialized) struct StepGoldenTests {
    @Test(arguments: Goldens.folders(.step))
    func namesAndGroupsAreTheAuthors(_ folder: Goldens.Folder) throws {
        let golden = try StepGolden(folder)
        let learner = try golden.learner()
        let expected = golden.numbers.parameters
        #expect(learner.student.parameters.map(\.name) == expected.map(\.name))
        #expect(learner.student.parameters.map(\.tensor.shape) == expected.map(\.shape))
        let groups = learner.optimizer.groups
        #expect(groups.trained.map(\.name) == expected.filter(\.trained).map(\.name))
        let decaying = groups.groups.filter(\.decays).flatMap(\.places)
        #expect(
            decaying.map { groups.trained[$0].name } == expected.filter { $0.trained && $0.decays }.map(\.name))
    }

    @Test(arguments: Goldens.folders(.step))
    func forwardPassesAgree(_ folder: Goldens.Folder) throws {
        let golden = try StepGolden(folder)
        let learner = try golden.learner()
        let part = try golden.parts(golden.numbers.steps[0])[0]
        let expected = try golden.tensors(golden.numbers.files.forward)
        let relative = golden.numbers.tolerances.forward.relative
        func compare(_ name: String, _ ours: Tensor) throws {
            let theirs = try found(expected, name)
            let difference = largestDifference(ours.reshaped(to: theirs.shape), theirs)
            #expect(difference <= relative * largest(theirs), "\(name): \(difference) of \(largest(theirs))")
        }
        for (place, views) in zip(["global", "local"], part.groups) {
            let grid = learner.teacher.backbone.grid(of: views.pixels)
            let matching = learner.objective.matching(on: grid)
            for (who, network) in [("student", learner.student), ("teacher", learner.teacher)] {
                let tokens = network.backbone(views.pixels)
                try compare("\(who).\(place).backbone", tokens)
                if place == "local" {
                    try compare(
                        "\(who).local.positions", network.backbone.positions.resized(to: grid, viewIsSquare: true))
                }
                let aggregation = try #require(network.aggregation)
                let (summary, patches) =
                    who == "student"
                    ? (aggregation.summary(of: tokens), aggregation.patches(of: tokens))
                    : aggregation.targets(of: tokens, matching)
                try compare(
                    "\(who).\(place).aggregated",
                    Tensor.concatenated([summary.unsqueezed(at: 1), patches], dimension: 1))
                for (name, head, features) in [
                    ("image", network.imageHead, summary), ("patch", network.patchHead, patches),
                ] {
                    let head = try #require(head)
                    let flat = features.reshaped(to: [-1, features.size(-1)])
                    let logits = head.bottleneck(flat).matmul(head.prototypes().transposed())
                    try compare("\(who).\(place).\(name)_logits", logits)
                }
            }
        }
    }

    @Test(arguments: Goldens.folders(.step))
    func positivesAreChosenAlike(_ folder: Goldens.Folder) throws {
        let golden = try StepGolden(folder)
        let learner = try golden.learner()
        let part = try golden.parts(golden.numbers.steps[0])[0]
        let expected = try golden.tensors(golden.numbers.files.forward)
        for (place, views) in zip(["global", "local"], part.groups) {
            let matching = learner.objective.matching(on: learner.teacher.backbone.grid(of: views.pixels))
            let neighbours = try found(expected, "neighbours.\(place)").integers()
            #expect(matching.window.candidates.flatMap { $0 } == neighbours)

            let tokens = learner.teacher.backbone(views.pixels)
            let similarity = try found(expected, "similarity.\(place)")
            let ours = matching.similarities(of: tokens)
            #expect(
                largestDifference(ours, similarity)
                    <= golden.numbers.tolerances.forward.relative * largest(similarity))

            let chosen = matching.positives(for: tokens).integers()
            let theirs = try found(expected, "positives.\(place)").integers()
            let k: Int = golden.numbers.objective.k
            let width: Int = matching.window.width
            let similarities: [Double] = similarity.doubles()
            let wrong = (0..<theirs.count / k).count { (patch: Int) -> Bool in
                let range: Range<Int> = (patch * k)..<(patch * k + k)
                if Set(chosen[range]) == Set(theirs[range]) { return false }
                let ordered = similarities[(patch * width)..<(patch * width + width)].sorted(by: >)
                return k == width || ordered[k - 1] - ordered[k] >= golden.numbers.tolerances.gap
            }
            #expect(wrong == 0, "\(place): \(wrong) patches with other positives")
        }
    }

    @Test(arguments: Goldens.folders(.step))
    func lossTermsAgree(_ folder: Goldens.Folder) throws {
        let golden = try StepGolden(folder)
        let learner = try golden.learner()
        let step = golden.numbers.steps[0]
        let part = try golden.parts(step)[0]
        let expected = try golden.tensors(golden.numbers.files.forward)
        let relative = golden.numbers.tolerances.forward.relative
        let objective = learner.objective
        let draw = PatchDraw(share: 1, seed: 0, step: 0)
        let targets = learner.teacher.targets(for: part.groups, objective.settings, draw: draw) {
            learner.objective.matching(on: $0)
        }
        let temperatures = Objective.Temperatures(image: step.teacher_temperature, patch: step.teacher_temperature)
        let views = objective.viewCount

        // Each view alone: its share of the image loss is the sum of its pairs, of the patch loss its own term.
        let pairs = try found(expected, "image_loss.pairs").sum(over: 0).doubles()
        let patchTerms = try found(expected, "patch_loss.views").doubles()
        for group in part.groups {
            for view in group.singly {
                let predictions = learner.student.predictions(for: [view], objective.settings, draw: draw) { _ in .none
                }
                let losses = objective.losses(
                    predictions, objective.imageLoss(targets, temperatures), targets, temperatures)
                let number = view.numbers.lowerBound
                let image = losses.image.item() * Double(2 * (views - 1))
                let patch = try #require(losses.patch).item() * Double(views)
                #expect(abs(image - pairs[number]) <= relative * abs(pairs.max() ?? 0), "image loss of view \(number)")
                #expect(
                    abs(patch - patchTerms[number]) <= relative * abs(patchTerms.max() ?? 0),
                    "patch loss of view \(number)")
            }
        }
    }

    @Test(arguments: Goldens.folders(.step), StepVariant.all)
    func gradientsAgree(_ folder: Goldens.Folder, _ variant: StepVariant) throws {
        let golden = try StepGolden(folder)
        let learner = try golden.learner(variant)
        let step = golden.numbers.steps[0]
        let parts = try golden.parts(step, imagesPerPart: variant.imagesPerPart)
        _ = learner.gradients(of: parts, golden.numbers.rates(step), number: 0)
        let expected = try golden.tensors(golden.numbers.files.gradients)
        let tolerance = golden.numbers.tolerances.gradient
        let floor = tolerance.floor * (expected.values.map(largest).max() ?? 0)
        for parameter in learner.optimizer.groups.trained {
            let theirs = try found(expected, parameter.name)
            let ours = try #require(parameter.tensor.gradient, "no gradient for \(parameter.name)")
            let difference = largestDifference(ours, theirs)
            #expect(
                difference <= tolerance.relative * largest(theirs) + floor,
                "\(parameter.name): \(difference) of \(largest(theirs))")
        }
    }

    @Test(arguments: Goldens.folders(.step), StepVariant.all)
    func stepsAgree(_ folder: Goldens.Folder, _ variant: StepVariant) throws {
        let golden = try StepGolden(folder)
        let numbers = golden.numbers
        let learner = try golden.learner(variant)
        let norm = numbers.tolerances.gradient_norm
        for step in numbers.steps {
            let rates = numbers.rates(step)
            let first = step.step == 1
            let label = Comment("step \(step.step)")

            let parts = try golden.parts(step, imagesPerPart: variant.imagesPerPart)
            let losses = learner.gradients(of: parts, rates, number: step.iteration)
            func compareNorms(_ expected: (String) -> Double??) {
                for parameter in learner.optimizer.groups.trained {
                    guard let theirs = expected(parameter.name) ?? nil else { continue }
                    let ours = parameter.tensor.gradient?.norm().item() ?? 0
                    let bound = (first ? norm.first : norm.later) * theirs + norm.floor * step.gradient_norm
                    #expect(abs(ours - theirs) <= bound, "\(label) \(parameter.name): \(ours), expected \(theirs)")
                }
            }
            compareNorms { step.gradient_norms[$0] }
            let trained = learner.optimizer.groups.trained
            let (report, norms) = losses.read(
                with: GradientClipping.norms(of: trained), patchWeight: learner.settings.objective.patchWeight)
            GradientClipping.clip(trained, norms, to: learner.settings.clip)
            compareNorms { step.clipped_gradient_norms[$0] }
            learner.update(rates)

            let relative = first ? numbers.tolerances.loss.first : numbers.tolerances.loss.later
            #expect(abs(report.imageLoss - step.image_loss) <= relative * step.image_loss, label)
            #expect(abs(report.patchLoss - step.patch_loss) <= relative * step.patch_loss, label)
            #expect(abs(report.loss - step.loss) <= relative * step.loss, label)
            #expect(
                abs(report.gradientNorm - step.gradient_norm) <= (first ? norm.first : norm.later) * step.gradient_norm,
                label)
            if first { try compareWeights(golden, learner, numbers.files.after_first, step: 1, teacher: false) }
        }
        let last = numbers.steps.count
        try compareWeights(golden, learner, numbers.files.after_last, step: last, teacher: true)
        try compareOptimizer(golden, learner)
    }

    private func compareWeights(
        _ golden: StepGolden, _ learner: Learner, _ file: String, step: Int, teacher: Bool
    ) throws {
        let numbers = golden.numbers
        let expected = try golden.tensors(file)
        let steady = try golden.tensors(numbers.files.steady)
        let bound = try #require(numbers.tolerances.weights_after["\(step)"])
        let networks = [("student", learner.student)] + (teacher ? [("teacher", learner.teacher)] : [])
        for (name, network) in networks {
            for parameter in network.parameters {
                let theirs = try found(expected, "\(name).\(parameter.name)")
                let difference = (parameter.tensor.detached() - theirs).magnitude()
                let mask =
                    steady["steady\(step).student.\(parameter.name)"]
                    ?? Tensor.ones(theirs.shape, type: .uint8)
                let strict = (difference * mask.cast(to: .float32)).max().item()
                #expect(strict <= bound.steady, "\(name).\(parameter.name) after step \(step): \(strict)")
                #expect(difference.max().item() <= bound.loose, "\(name).\(parameter.name) after step \(step)")
            }
        }
        let patch = try #require(learner.objective.patchCenter)
        for (name, center) in [("centre.image", learner.objective.imageCenter), ("centre.patch", patch)] {
            let theirs = try found(expected, name).reshaped(to: [-1])
            let difference = largestDifference(center.value, theirs)
            #expect(difference <= numbers.tolerances.centre.relative * largest(theirs), "\(name) after step \(step)")
        }
    }

    private func compareOptimizer(_ golden: StepGolden, _ learner: Learner) throws {
        let numbers = golden.numbers
        let expected = try #require(numbers.steps.last?.optimizer)
        let norm = numbers.tolerances.gradient_norm
        let largestNorm = numbers.steps.map(\.gradient_norm).max() ?? 0
        let slack = norm.floor * largestNorm
        let optimizer = learner.optimizer
        for (place, parameter) in optimizer.groups.trained.enumerated() {
            guard let theirs = expected[parameter.name] else {
                #expect(optimizer.counters[place] == 0, "\(parameter.name) was never updated in the reference")
                continue
            }
            #expect(optimizer.counters[place] == theirs.step, "\(parameter.name)")
            let first = optimizer.firstMoments[place].norm().item()
            let second = optimizer.secondMoments[place].cast(to: .float64).sum().item()
            #expect(abs(first - theirs.first_moment_norm) <= norm.later * theirs.first_moment_norm + slack)
            #expect(abs(second - theirs.second_moment_sum) <= 2 * norm.later * theirs.second_moment_sum + slack * slack)
        }
    }

    @Test(arguments: Goldens.folders(.step))
    func clippingFreezeAndAdamWAloneAgree(_ folder: Goldens.Folder) throws {
        let golden = try StepGolden(folder)
        let numbers = golden.numbers
        let learner = try golden.learner()
        let gradients = try golden.tensors(numbers.files.gradients)
        let rates = numbers.rates(numbers.steps[0])
        for parameter in learner.optimizer.groups.trained {
            parameter.tensor.gradient = try found(gradients, parameter.name)
        }
        let trained = learner.optimizer.groups.trained
        GradientClipping.clip(trained, GradientClipping.norms(of: trained)?.floats() ?? [], to: learner.settings.clip)
        if rates.lastLayerIsFrozen { LastLayerFreeze.dropGradients(learner.optimizer.groups.trained) }
        learner.optimizer.update(rate: rates.learningRate, decay: rates.weightDecay)
        let expected = try golden.tensors(numbers.files.after_first)
        for parameter in learner.student.parameters {
            let difference = largestDifference(parameter.tensor, try found(expected, "student.\(parameter.name)"))
            #expect(difference <= numbers.tolerances.adamw_alone.absolute, "\(parameter.name): \(difference)")
        }
    }
}

/// The same step made otherwise: in one part or image by image, all views together or each in turn, activations kept or made twice.
struct StepVariant: CustomStringConvertible, Sendable {
    var imagesPerPart: Int?
    var viewsInTurn = false
    var checkpointsActivations = false

    static let plain = StepVariant()
    static let all = [
        plain, StepVariant(imagesPerPart: 1), StepVariant(imagesPerPart: 1, viewsInTurn: true),
        StepVariant(viewsInTurn: true, checkpointsActivations: true),
    ]

    var description: String {
        (imagesPerPart.map { "\($0) image a part" } ?? "whole batch") + (viewsInTurn ? ", views in turn" : "")
            + (checkpointsActivations ? ", activations checkpointed" : "")
    }
}
