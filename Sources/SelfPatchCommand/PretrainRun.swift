import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A planned run made real: images, folder, log and terminal, from the first file that is touched to the last sentence.
struct PretrainRun {
    private let plan: PretrainPlan
    private let session: RunSession
    private let pretraining: Pretraining

    /// Touches nothing in the run's folder before the images are found and fit the settings.
    init(_ plan: PretrainPlan, deadline: ContinuousClock.Instant?) throws {
        let threads = plan.settings.threads
        Libtorch.threadCount = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        let images = try ImageCollections.open(plan.settings.data.folder, window: plan.settings.data.window)
        let fitted =
            plan.sizesBatch
            ? try BatchSizing(settings: plan.settings, device: plan.device, images: images.count).fitted()
            : (settings: plan.settings, sentence: nil)
        let settings = fitted.settings
        try settings.validate(images: images.count)
        var evaluators: [any Evaluator] = []
        if settings.evaluation.scoresImages { evaluators.append(try NearestNeighborEvaluator(settings)) }
        if settings.evaluation.scoresPatches { evaluators.append(try PatchEvaluator(settings)) }
        self.plan = plan.with(settings)
        let free = Double(plan.device.freeBytes)
        let initial = plan.isNew ? try InitialWeights(settings) : nil

        let text = try SettingsTree(encoding: settings).yaml { SettingsDescriptions[$0] }
        var source: TrainingImages?
        session = try RunSession(
            plan.run, isNew: plan.isNew, settings: text, isChanged: plan.isChanged, command: "selfpatch pretrain"
        ) { folder, state in
            let found = try Self.source(images, settings, folder)
            try state?.requireImages(found.count, checksum: found.namesChecksum, in: settings.data.folder)
            source = found
        }
        guard let source else { preconditionFailure("a session that examined nothing") }
        let live = session.live
        // A run that was stopped before its first checkpoint begins again, with what it began with.
        let start = try initial ?? (session.checkpoint == nil ? InitialWeights(settings) : nil)
        for note in start?.notes ?? [] { try session.log.note(note) }
        pretraining = try Pretraining(
            settings, in: session.folder, images: source, from: session.checkpoint, initial: start, on: plan.device,
            log: session.log, evaluators: evaluators, deadline: deadline,
            show: { live.update($0.line, short: $0.shortLine) })
        if let sentence = fitted.sentence { try session.log.note(sentence) }
        try announce(images)
        try session.log.note(StepMemory.sentence(settings, student: pretraining.learner.student, free: free))
    }

    /// Trains, and says how it ended.
    ///
    /// - Throws: `ExitCode` 130, 143 or 129 where a signal ended it.
    func finish(asJSON: Bool) throws {
        let ending = try session.finish(
            pretraining, on: plan.device, result: "Weights: \(session.folder.weightsFile)", pretraining.run)
        if asJSON { print(try summary(ending)) }
        try ending.exitIfStopped()
    }

    private func announce(_ images: any ImageCollection) throws {
        let log = session.log
        let settings = plan.settings
        if let preset = plan.preset { try log.note("Settings of the preset \(preset.name).") }
        try log.note(
            "\(images.count) images in \(settings.data.folder); \(pretraining.schedules.stepCount) steps of "
                + "\(settings.schedule.batchSize) images, \(pretraining.schedules.stepsPerEpoch) steps an epoch; on "
                + "\(plan.device) in \(settings.precision.resolved(on: plan.device).rawValue), \(Libtorch.threadCount) threads."
        )
        try log.note("The run is written to \(session.folder.path).")
        if !plan.isNew { try session.announceResumption(on: pretraining.machine) }
    }

    private static func source(
        _ images: any ImageCollection, _ settings: PretrainSettings, _ folder: RunFolder
    ) throws -> TrainingImages {
        let skipped = try SkippedFiles(
            path: folder.skippedFiles, total: images.count, allowedShare: settings.data.allowBroken)
        return try TrainingImages(images, settings, skipped: skipped)
    }

    private func summary(_ ending: RunEnding) throws -> String {
        struct Summary: Encodable {
            let run: String
            let steps: Int
            let stepCount: Int
            let ending: String
            let weights: String?
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(
            decoding: try encoder.encode(
                Summary(
                    run: session.folder.path, steps: pretraining.done, stepCount: pretraining.schedules.stepCount,
                    ending: ending.words,
                    weights: ending == .complete ? session.folder.weightsFile : nil)), as: UTF8.self)
    }
}
