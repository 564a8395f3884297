import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// A segmentation head from its settings to its results.
struct SegmentRun: HeadRun {
    private let settings: SegmentationSettings
    private let trained: TrainedNetwork
    private let session: RunSession
    private let data: SegmentationData
    private let training: SegmentationTraining

    /// Touches nothing in the run's folder before data and network are found and fit the settings.
    init(_ settings: SegmentationSettings, folder path: String, isNew: Bool, deadline: ContinuousClock.Instant?) throws
    {
        settings.takeThreads()
        let data = try SegmentationData(settings)
        var line = ProgressLine(title: "Label maps", total: data.training.count + data.validation.count)
        // A run that goes on has looked at its data before.
        let absent =
            !isNew
            ? []
            : try data.check { done, _ in line.advance(to: done) }
        line.clear()
        _ = try MicroBatches(images: data.training.count, batch: settings.batchSize, seed: settings.seed)
        let trained = try settings.trainedNetwork(on: Device.resolve(settings.device))
        let architecture = trained.description.architecture
        try settings.model.validate(architecture)
        try settings.requireRoom(for: architecture)
        self.settings = settings
        self.trained = trained
        self.data = data

        let text = try SettingsTree(encoding: settings).yaml { SegmentationSettings.descriptions[$0] }
        let source = data.training.source(channels: architecture.channels)
        session = try RunSession(
            path, isNew: isNew, settings: text,
            command: "selfpatch segment --head \(settings.model.head.rawValue)"
        ) { _, state in
            try state?.requireImages(
                source.count, checksum: source.namesChecksum, in: settings.folders(validation: false).images)
        }
        let (live, log) = (session.live, session.log)
        for note in trained.notes { try log.note(note) }
        training = try SegmentationTraining(
            settings, network: trained.network,
            normalization: ViewNormalization(
                mean: trained.description.mean, deviation: trained.description.deviation),
            training: source, validation: data.validation.source(channels: architecture.channels),
            classes: data.classes, in: session.folder, from: session.checkpoint, log: log, deadline: deadline,
            show: { live.update($0.line, short: $0.shortLine) },
            showScoring: { live.update("scoring image \($0) of \($1)", short: "scoring \($0)/\($1)") })
        try log.note(
            "\(settings.model.head.rawValue) on \(trained.title), \(settings.model.isFrozen ? "frozen" : "trained along"); "
                + "blocks \(settings.model.blocks(depth: architecture.depth)); \(data.training.count) images to train on, "
                + "\(data.validation.count) to score, \(data.note); \(training.stepCount) steps of "
                + "\(settings.batchSize) crops; on \(trained.network.device) in \(training.machine.precision), "
                + "\(Libtorch.threadCount) threads.")
        if !absent.isEmpty {
            try log.note("No training pixel is of: \(absent.listed(8)).")
        }
        try log.note("The run is written to \(session.folder.path).")
        if !isNew { try session.announceResumption(on: training.machine) }
    }

    func finish(asJSON: Bool) throws {
        let weights = "\(session.folder.path)/segmenter.safetensors"
        var confusion: ConfusionMatrix?
        let ending = try session.finish(training, on: trained.network.device, result: "Backbone and head: \(weights)") {
            let ending = try training.runSteps()
            if ending == .complete {
                try training.write(to: weights)
                confusion = try training.confusion()
            }
            return ending
        }
        guard let confusion else { return try ending.exitIfStopped() }
        let report = SegmentationReport(
            confusion, classes: data.classes, trainingCount: data.training.count,
            validationCount: data.validation.count, steps: training.done)
        let head = settings.model.head.rawValue
        let results = SegmentationResults(
            report: report,
            title: "\(head) on \(trained.title), \(settings.model.isFrozen ? "frozen" : "trained along")",
            head: head, classes: data.classes, validation: data.validation, inference: training.inference)
        try results.deliver(
            Document(
                settings: settings, weights: trained.path, pretrainingSteps: trained.description.steps, report: report),
            to: session.folder.path, asJSON: asJSON)
    }

    /// Everything that was asked and found.
    private struct Document: Encodable {
        let settings: SegmentationSettings
        let weights: String
        let pretrainingSteps: Int
        let report: SegmentationReport
    }
}
