import Foundation
import SelfPatchData
import SelfPatchFormats

extension PretrainSettings {
    /// Refuses what cannot be obeyed, before anything is loaded.
    ///
    /// - Throws: `UserError` that names the setting, its value, and what would do.
    package func validate() throws {
        try Self.require("data.window", data.window, 1...Int(UInt32.max))
        try validateModel()
        try views.validate()
        try validateViewSizes()
        try validateObjective()
        try validateOptimizer()
        try validateTeacher()
        try validateRun()
    }

    /// Refuses what does not fit the data.
    ///
    /// - Parameter images: how many there are.
    package func validate(images: Int) throws {
        guard schedule.batchSize <= images else {
            throw UserError(
                "schedule.batchSize is \(schedule.batchSize), but there are only \(images) images in \(data.folder). "
                    + "Choose at most \(images), with `--batch \(images)` for example, or add images.", kind: .usage)
        }
        _ = try Schedules(schedule, optimizer, teacher, stepsPerEpoch: images / schedule.batchSize)
    }

    private func validateModel() throws {
        try Self.require("model.width", model.width, 1...16_384)
        try Self.require("model.depth", model.depth, 1...1_000)
        try Self.require("model.heads", model.heads, 1...1_024)
        try Self.require("model.mlpRatio", model.mlpRatio, 1 / Double(model.width)...64)
        try Self.require("model.patchSize", model.patchSize, 1...1_024)
        try Self.require("model.dropPath", model.dropPath, 0...0.99)
        guard model.width % model.heads == 0 else {
            let would = (1...model.width).filter { model.width % $0 == 0 }.sorted {
                (abs($0 - model.heads), $0) < (abs($1 - model.heads), $1)
            }.prefix(4).sorted()
            throw UserError(
                "model.heads is \(model.heads), which does not divide model.width, \(model.width). "
                    + "\(Self.listed(would)) heads would.", kind: .usage)
        }
        try Self.require("initial.heads", initial.heads, 0...1_024)
        try Self.require("heads.imagePrototypes", heads.imagePrototypes, 2...4_194_304)
        try Self.require("heads.patchPrototypes", heads.patchPrototypes, 2...4_194_304)
        try Self.require("heads.hiddenWidth", heads.hiddenWidth, 1...65_536)
        try Self.require("heads.bottleneck", heads.bottleneck, 1...65_536)
    }

    private func validateViewSizes() throws {
        let patch = model.patchSize
        for (name, size) in [("views.globalSize", views.globalSize), ("views.localSize", views.localSize)] {
            if name == "views.localSize", views.localCount == 0 { continue }
            guard size.height >= patch, size.width >= patch else {
                throw UserError(
                    "\(name) is \(size) pixels, smaller than a patch of \(patch) x \(patch) (model.patchSize). "
                        + "Make the view larger or the patch smaller.", kind: .usage)
            }
            let rest = (height: size.height % patch, width: size.width % patch)
            guard model.cutsOffRest || rest == (0, 0) else {
                let below = [size.height - rest.height, size.width - rest.width]
                let above = [size.height, size.width].map { ($0 + patch - 1) / patch * patch }
                let patches = (1...max(1, min(size.height, size.width))).filter {
                    size.height % $0 == 0 && size.width % $0 == 0
                }.sorted { (abs($0 - patch), $0) < (abs($1 - patch), $1) }.prefix(2).sorted()
                throw UserError(
                    "model.patchSize is \(patch), which does not divide \(name), \(size) pixels. Views of \(below) or \(above) "
                        + "would do, or patches of \(Self.listed(Array(patches))); or cut off the rest of \(rest.height) rows "
                        + "and \(rest.width) columns at the lower and right edge by model.cutsOffRest=true.",
                    kind: .usage)
            }
        }
    }

    private func validateObjective() throws {
        try Self.require("objective.patchWeight", objective.patchWeight, 0...1_000)
        try Self.require("objective.studentTemperature", objective.studentTemperature, 0.0001...100)
        try Self.require("objective.centerMomentum", objective.centerMomentum, 0...1)
        guard objective.hasPatchLoss else { return }
        try Self.require("objective.window", objective.window, 3...1_023)
        guard objective.window % 2 == 1 else {
            throw UserError(
                "objective.window is \(objective.window), but a window needs a patch in its middle: "
                    + "\(objective.window - 1) or \(objective.window + 1) would do.", kind: .usage)
        }
        let candidates = objective.window * objective.window - 1
        guard objective.positiveCount <= candidates else {
            var window = objective.window
            while window * window - 1 < objective.positiveCount { window += 2 }
            throw UserError(
                "objective.positiveCount is \(objective.positiveCount), but a window of \(objective.window) x "
                    + "\(objective.window) has only \(candidates) neighbours. At most \(candidates) would do, or "
                    + "objective.window=\(window).", kind: .usage)
        }
        try Self.require("objective.positiveCount", objective.positiveCount, 1...candidates)
        guard objective.patchShare > 0, objective.patchShare <= 1 else {
            throw UserError(
                "objective.patchShare is \(objective.patchShare); it is the share of the patches that have a loss, above 0 "
                    + "and up to 1.", kind: .usage)
        }
        var grids = [("views.globalSize", views.globalSize, globalGrid)]
        if views.localCount > 0, objective.patchViews == .all {
            grids.append(("views.localSize", views.localSize, localGrid))
        }
        for (name, size, grid) in grids where grid.count < 2 {
            throw UserError(
                "\(name) is \(size) pixels, a single patch of \(model.patchSize), which has no neighbours to learn from. Make "
                    + "the view larger or the patch smaller, or switch the patch loss off (objective.patchWeight=0).",
                kind: .usage)
        }
    }

    private func validateOptimizer() throws {
        try Self.require("optimizer.learningRate", optimizer.learningRate, 0...10)
        try Self.require("optimizer.learningRateBatch", optimizer.learningRateBatch, 0...1_000_000)
        try Self.require("optimizer.learningRateEnd", optimizer.learningRateEnd, 0...10)
        try Self.require("optimizer.weightDecay", optimizer.weightDecay, 0...10)
        try Self.require("optimizer.weightDecayEnd", optimizer.weightDecayEnd, 0...10)
        try Self.require("optimizer.clip", optimizer.clip, 0...1e9)
        try Self.require("optimizer.beta1", optimizer.beta1, 0...0.999999)
        try Self.require("optimizer.beta2", optimizer.beta2, 0...0.99999999)
        try Self.require("optimizer.epsilon", optimizer.epsilon, 1e-30...1)
    }

    private func validateTeacher() throws {
        try Self.require("teacher.momentum", teacher.momentum, 0...1)
        try Self.require("teacher.momentumEnd", teacher.momentumEnd, 0...1)
        try Self.require("teacher.temperature", teacher.temperature, 0.0001...100)
        try Self.require("teacher.temperatureStart", teacher.temperatureStart, 0.0001...100)
        if teacher.patchTemperature != 0 {
            try Self.require("teacher.patchTemperature", teacher.patchTemperature, 0.0001...100)
        }
        if teacher.patchTemperatureStart != 0 {
            try Self.require("teacher.patchTemperatureStart", teacher.patchTemperatureStart, 0.0001...100)
        }
        try Self.require("teacher.temperatureWarmupEpochs", teacher.temperatureWarmupEpochs, 0...1_000_000)
        try Self.require("teacher.centerWarmupSteps", teacher.centerWarmupSteps, 0...100_000)
    }

    private func validateRun() throws {
        try Self.require("threads", threads, 0...4_096)
        try Self.require("data.workers", data.workers, 0...1_024)
        try Self.require("data.allowBroken", data.allowBroken, 0...1)
        try Self.require("data.pixelLimit", data.pixelLimit, 1...100_000_000_000)
        try Self.require("schedule.batchSize", schedule.batchSize, 1...1_000_000)
        guard (1...schedule.batchSize).contains(schedule.accumulation) else {
            throw UserError(
                "schedule.accumulation is \(schedule.accumulation), but a step's \(schedule.batchSize) images "
                    + "(schedule.batchSize) can be taken through in 1 to \(schedule.batchSize) parts.", kind: .usage)
        }
        guard schedule.length.unit != .percent, schedule.length.amount > 0 else {
            throw UserError(
                "schedule.length is \(schedule.length); write it in epochs or steps, above 0: '200 epochs' or '5000 steps'.",
                kind: .usage)
        }
        try run.validate()
        if evaluation.every.amount > 0,
            evaluation.train.isEmpty != evaluation.validation.isEmpty
                || (evaluation.train.isEmpty && evaluation.patches.isEmpty)
        {
            throw UserError(
                "evaluation.every is \(evaluation.every), but the folders to score on are not named: set evaluation.train and "
                    + "evaluation.validation, or evaluation.patches, or evaluation.every='0 epochs'.", kind: .usage)
        }
        try Self.require("evaluation.firstClass", evaluation.firstClass, 0...254)
        try Self.require("evaluation.ignored", evaluation.ignored, 0...255)
        try Self.require("evaluation.shortSide", evaluation.shortSide, 1...16_384)
        try health.validate()
    }

    private static func listed(_ numbers: [Int]) -> String {
        let words = numbers.map(String.init)
        return words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
    }

    fileprivate static func require<Number: Comparable>(
        _ name: String, _ value: Number, _ range: ClosedRange<Number>
    ) throws {
        guard range.contains(value) else {
            throw UserError(
                "\(name) is \(value); it must lie between \(range.lowerBound) and \(range.upperBound).", kind: .usage)
        }
    }
}

extension RunSettings {
    /// Refuses what cannot be obeyed, under the names that all runs give these settings.
    package func validate() throws {
        try PretrainSettings.require("run.logEvery", logEvery, 1...1_000_000)
        try PretrainSettings.require("run.keepNewest", keepNewest, 1...1_000_000)
        try PretrainSettings.require("run.keepEvery", keepEvery, 0...1_000_000)
        try PretrainSettings.require("run.timeLimit", timeLimit, 0...1e9)
    }
}

extension HealthSettings {
    fileprivate func validate() throws {
        let below = [
            ("information", information), ("meanTeacherEntropy", meanTeacherEntropy), ("divergence", divergence),
            ("patchMeanTeacherEntropy", patchMeanTeacherEntropy), ("patchDivergence", patchDivergence),
            ("gradientNorm", gradientNorm),
        ]
        let above = [
            ("teacherEntropy", teacherEntropy), ("summaryCosine", summaryCosine), ("centerNorm", centerNorm),
            ("patchTeacherEntropy", patchTeacherEntropy),
        ]
        // The first of these belongs to the sign's start, so the two have no order.
        let relative = [("patchCosine", patchCosine), ("withinImageShare", withinImageShare)]
        for (name, bounds) in below + above + relative where bounds.count != 2 {
            throw UserError(
                "health.\(name) has \(bounds.count) numbers; it takes two, where to warn and where to sound the alarm.",
                kind: .usage)
        }
        let turnedRound = below.filter { $0.1[0] < $0.1[1] } + above.filter { $0.1[0] > $0.1[1] }
        if let (name, bounds) = turnedRound.first {
            throw UserError(
                "health.\(name) is \(bounds), with the alarm before the warning: \(Array(bounds.reversed())) would do.",
                kind: .usage)
        }
        guard every > 0, averaged > 0 else {
            throw UserError(
                "health.every is \(every) and health.averaged \(averaged); both must be above 0.", kind: .usage)
        }
    }
}
