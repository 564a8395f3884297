import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A detector from its settings to its results.
struct DetectRun: HeadRun {
    private let settings: DetectionSettings
    private let trained: TrainedNetwork
    private let session: RunSession
    private let sets: DetectionSets
    private let training: DetectionTraining

    /// Touches nothing in the run's folder before data and network are found and fit the settings.
    init(_ asked: DetectionSettings, folder path: String, isNew: Bool, deadline: ContinuousClock.Instant?) throws {
        asked.takeThreads()
        let sets = try DetectionSets(asked.data, threads: asked.threads)
        // A run that goes on has looked at its data before.
        if isNew { try Self.check(sets) }
        var settings = asked
        let lacksMasks = settings.model.masks && !sets.hasMasks
        if lacksMasks { settings.model.masks = false }
        _ = try MicroBatches(images: sets.training.data.images.count, batch: settings.batchSize, seed: settings.seed)
        let device = try Device.resolve(settings.device)
        let free = Double(device.freeBytes)
        let trained = try settings.trainedNetwork(on: device)
        let architecture = trained.description.architecture
        try settings.model.validate(architecture)
        let network =
            settings.model.heads > 0 ? trained.network.backboneCopy(heads: settings.model.heads) : trained.network
        self.settings = settings
        self.trained = trained
        self.sets = sets

        let text = try SettingsTree(encoding: settings).yaml { DetectionSettings.descriptions[$0] }
        let source = sets.training.source(channels: architecture.channels)
        session = try RunSession(path, isNew: isNew, settings: text, command: "selfpatch detect") { _, state in
            try state?.requireImages(source.count, checksum: source.namesChecksum, in: sets.training.folder)
        }
        let (live, log) = (session.live, session.log)
        for note in trained.notes { try log.note(note) }
        for note in sets.notes { try log.note(note + ".") }
        if lacksMasks { try log.note("Not every object has a mask: boxes alone are learnt.") }
        training = try DetectionTraining(
            settings, network: network,
            normalization: ViewNormalization(
                mean: trained.description.mean, deviation: trained.description.deviation),
            training: sets.training, in: session.folder, from: session.checkpoint, log: log, deadline: deadline,
            show: { live.update($0.line, short: $0.shortLine) },
            scoring: { inference, clock in
                try DetectionReport(
                    of: try Self.results(of: inference, on: sets.scoring, live, clock), masks: settings.model.masks,
                    against: sets.scoring.data, threads: settings.threads)
            })
        try log.note(
            "Mask R-CNN on \(trained.title), \(settings.model.isFrozen ? "frozen" : "trained along"); blocks "
                + "\(settings.model.blocks(depth: architecture.depth)), \(network.architecture.heads) heads of attention; "
                + "\(sets.training.data.images.count) pictures with \(sets.training.data.objectCount) objects to train on, "
                + "\(sets.scoring.data.images.count) to score, \(sets.training.data.classes.count) classes; "
                + "\(training.stepCount) steps of \(settings.batchSize) pictures, \(settings.atOnce) at once; on "
                + "\(trained.network.device) in \(training.machine.precision), \(Libtorch.threadCount) threads.")
        try log.note(
            DetectionMemory.sentence(
                settings, detector: training.detector, data: sets.training.data, free: free))
        try log.note("The run is written to \(session.folder.path).")
        if !isNew { try session.announceResumption(on: training.machine) }
    }

    private static func check(_ sets: DetectionSets) throws {
        var line = ProgressLine(
            title: "Pictures", total: sets.training.data.images.count + sets.scoring.data.images.count)
        try sets.check { done, _ in line.advance(to: done) }
        line.clear()
    }

    /// What is found in the pictures to score.
    private static func results(
        of inference: DetectionInference, on files: DetectionFiles, _ live: LiveLine, _ clock: RunClock
    ) throws -> DetectionResults {
        let count = files.data.images.count
        return try inference.results(on: files) {
            live.update("scoring picture \($0) of \(count)", short: "scoring \($0)/\(count)")
            try clock.checkStop()
        }
    }

    func finish(asJSON: Bool) throws {
        let weights = "\(session.folder.path)/detector.safetensors"
        var found: DetectionResults?
        let ending = try session.finish(training, on: trained.network.device, result: "Backbone and heads: \(weights)")
        {
            let ending = try training.runSteps()
            if ending == .complete {
                try training.write(to: weights)
                found = try Self.results(of: training.inference, on: sets.scoring, session.live, training.clock)
            }
            return ending
        }
        guard let results = found else { return try ending.exitIfStopped() }
        let output = DetectionOutput(
            title: "Mask R-CNN on \(trained.title), \(settings.model.isFrozen ? "frozen" : "trained along"), "
                + "\(training.done) steps",
            files: sets.scoring, results: results,
            report: try DetectionReport(
                of: results, masks: settings.model.masks, against: sets.scoring.data, threads: settings.threads))
        try output.deliver(
            Document(
                settings: settings, weights: trained.path, pretrainingSteps: trained.description.steps,
                report: output.report),
            to: session.folder.path, asJSON: asJSON)
    }

    /// Everything that was asked and found.
    private struct Document: Encodable {
        let settings: DetectionSettings
        let weights: String
        let pretrainingSteps: Int
        let report: DetectionReport
    }
}
