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
    private let folder: RunFolder
    private let lock: RunLock
    private let live: LiveLine
    private let log: RunLog
    private let pretraining: Pretraining

    /// Touches nothing in the run's folder before the images are found and fit the settings.
    init(_ plan: PretrainPlan, deadline: ContinuousClock.Instant?) throws {
        let threads = plan.settings.threads
        Libtorch.threadCount = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        let images = try ImageFolder(root: plan.settings.data.folder)
        let fitted =
            plan.sizesBatch
            ? try BatchSizing(settings: plan.settings, device: plan.device, images: images.count).fitted()
            : (settings: plan.settings, sentence: nil)
        let settings = fitted.settings
        try settings.validate(images: images.count)
        let evaluators = settings.evaluation.every.amount > 0 ? [try NearestNeighborEvaluator(settings)] : []
        self.plan = plan.with(settings)

        let text = try SettingsTree(encoding: settings).yaml { SettingsDescriptions[$0] }
        folder = plan.isNew ? try RunFolder.create(at: plan.run, settings: text) : try RunFolder(existing: plan.run)
        lock = try folder.lock()
        try folder.prepare()
        StopSignal.install()
        let found = plan.isNew ? (checkpoint: nil, complaints: []) : try Checkpoint.newest(in: folder)
        let source = try Self.source(images, settings, folder)
        if let state = found.checkpoint?.state { try Self.requireSameImages(source, state, settings.data.folder) }
        if plan.isChanged { try AtomicFile.write(Data(text.utf8), to: folder.settingsFile) }
        try folder.cutBackMetrics(to: found.checkpoint?.state.step ?? 0)

        let live = LiveLine()
        self.live = live
        log = try RunLog(folder) { line, kind in live.print(line, kind) }
        for complaint in found.complaints { try log.note("\(complaint) The checkpoint before it is used.") }
        pretraining = try Pretraining(
            settings, in: folder, images: source, from: found.checkpoint, on: plan.device, log: log,
            evaluators: evaluators, deadline: deadline, show: { live.update($0.line, short: $0.shortLine) })
        if let sentence = fitted.sentence { try log.note(sentence) }
        try announce(images, from: found.checkpoint)
    }

    /// Trains, and says how it ended.
    ///
    /// - Throws: `ExitCode` 130, 143 or 129 where a signal ended it.
    func finish(asJSON: Bool) throws {
        defer { live.clear() }
        let ending: Pretraining.Ending
        do {
            ending = try pretraining.run()
        } catch let error as UserError {
            try? log.note("The run ends here: \(error.message)", .record)
            throw error
        }
        let steps = "\(pretraining.done) of \(pretraining.schedules.stepCount) steps"
        let goOn = "Go on with: selfpatch pretrain --resume \(folder.path)"
        switch ending {
        case .complete: try log.note("Complete after \(pretraining.done) steps. Weights: \(folder.weightsFile)")
        case .stopped(let signal):
            try log.note("Stopped by \(StopSignal.name(of: signal)) after \(steps); saved. \(goOn)")
        case .timeUp: try log.note("The time is up after \(steps); saved. \(goOn)")
        }
        live.clear()
        if asJSON { print(try summary(ending)) }
        if case .stopped(let signal) = ending { throw ExitCode(StopSignal.exitCode(of: signal)) }
    }

    private func announce(_ images: ImageFolder, from checkpoint: Checkpoint?) throws {
        let settings = plan.settings
        if let preset = plan.preset { try log.note("Settings of the preset \(preset.name).") }
        try log.note(
            "\(images.count) images in \(settings.data.folder); \(pretraining.schedules.stepCount) steps of "
                + "\(settings.schedule.batchSize) images, \(pretraining.schedules.stepsPerEpoch) steps an epoch; on "
                + "\(plan.device) in \(settings.precision.resolved(on: plan.device).rawValue), \(Libtorch.threadCount) threads."
        )
        try log.note("The run is written to \(folder.path).")
        guard !plan.isNew else { return }
        if let checkpoint {
            try log.note("Going on after \(checkpoint.state.step) steps, from \(checkpoint.file.path).")
            let machine = Checkpoint.Machine(
                device: plan.device, precision: settings.precision.resolved(on: plan.device))
            if let difference = machine.difference(from: checkpoint.state.machine) { try log.note(difference) }
        } else {
            try log.note("No checkpoint had been saved: the run begins again from its start.")
        }
    }

    private static func source(
        _ images: ImageFolder, _ settings: PretrainSettings, _ folder: RunFolder
    ) throws -> TrainingImages {
        let skipped = try SkippedFiles(
            path: folder.skippedFiles, total: images.count, allowedShare: settings.data.allowBroken)
        return try TrainingImages(images, settings, skipped: skipped)
    }

    private static func requireSameImages(
        _ images: TrainingImages, _ state: Checkpoint.State, _ folder: String
    ) throws {
        guard images.count != state.images || images.namesChecksum != state.imageNames else { return }
        let difference =
            images.count == state.images
            ? "their number is the same, \(state.images), but other names are among them"
            : "there were \(state.images) and are \(images.count) now"
        throw UserError(
            "The images in \(folder) are not those that the run began with: \(difference). Their order decides what each step "
                + "sees, so the run cannot go on. Put the images back as they were (a copy elsewhere will do: --data DIR), or "
                + "begin a new run.")
    }

    private func summary(_ ending: Pretraining.Ending) throws -> String {
        struct Summary: Encodable {
            let run: String
            let steps: Int
            let stepCount: Int
            let ending: String
            let weights: String?
        }
        let words =
            switch ending {
            case .complete: "complete"
            case .stopped: "stopped"
            case .timeUp: "time limit"
            }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(
            decoding: try encoder.encode(
                Summary(
                    run: folder.path, steps: pretraining.done, stepCount: pretraining.schedules.stepCount,
                    ending: words,
                    weights: ending == .complete ? folder.weightsFile : nil)), as: UTF8.self)
    }
}
