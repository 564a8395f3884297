import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

/// A linear probe from its settings to its results.
struct LinearRun: HeadRun {
    private let settings: LinearSettings
    private let trained: TrainedNetwork
    private let session: RunSession
    private let training: LinearTraining

    init(_ settings: LinearSettings, folder path: String, isNew: Bool, deadline: ContinuousClock.Instant?) throws {
        settings.takeThreads()
        let train = try ClassFolder(root: settings.train)
        let validation = try ClassFolder(root: settings.validation)
        _ = try train.numbers(ofClassesIn: validation)
        _ = try MicroBatches(images: train.count, batch: settings.batchSize, seed: settings.seed)
        let trained = try settings.trainedNetwork(on: Device.resolve(settings.device))
        self.settings = settings
        self.trained = trained

        let text = try SettingsTree(encoding: settings).yaml { LinearSettings.descriptions[$0] }
        var found: ImageSource?
        session = try RunSession(path, isNew: isNew, settings: text, command: "selfpatch linear") { folder, state in
            let skipped = try SkippedFiles(
                path: folder.skippedFiles, total: train.count, allowedShare: settings.allowBroken)
            let images = try ImageSource(
                train.folder, channels: trained.description.architecture.channels, skipped: skipped)
            try state?.requireImages(images.count, checksum: images.namesChecksum, in: settings.train)
            found = images
        }
        guard let images = found else { preconditionFailure("a session that examined nothing") }
        let (live, log) = (session.live, session.log)
        for note in trained.notes { try log.note(note) }
        try log.note(
            "\(trained.title); \(train.count) images of "
                + "\(train.classes.count) classes to train on, \(validation.count) to score; on \(settings.device), "
                + "\(Libtorch.threadCount) threads.")
        let unscored = Set(train.classes).subtracting(validation.classes).sorted()
        if !unscored.isEmpty {
            let names = unscored.map { "'\(PrintableName.of($0))'" }.listed(5)
            try log.note("Without validation images: \(names).")
        }
        training = try LinearTraining(
            settings, network: trained, training: train, validation: validation, images: images, in: session.folder,
            from: session.checkpoint, log: log, deadline: deadline,
            show: { live.update($0.line, short: $0.shortLine) },
            taking: { live.update("features of \($0) of \($1) images", short: "features \($0)/\($1)") })
        try log.note("The run is written to \(session.folder.path).")
        if !isNew { try session.announceResumption(on: training.machine) }
    }

    func finish(asJSON: Bool) throws {
        let ending = try session.finish(
            training, on: trained.network.device, result: "Results: \(session.folder.path)/results.txt",
            training.run)
        guard ending == .complete else { return try ending.exitIfStopped() }
        let report = try training.report()
        let files = try ResultFiles(table: table(report), document: Document(settings, trained, report))
        try files.write(
            to: session.folder.path,
            pictures: [
                "confusion": ConfusionPicture(
                    title: "linear, \(report.best.feature.rawValue): top-1 \(percent(report.best.top1)) %",
                    names: training.training.classes, counts: report.confusion.flatMap { $0 }
                ).picture()
            ])
        files.print(asJSON: asJSON)
    }

    private func table(_ report: LinearReport) -> String {
        var results = TextTable(["feature", "learning rate", "top-1 %", "top-5 %"])
        for result in report.results {
            results.add(
                result.feature.rawValue, String(format: "%g", result.learningRate), percent(result.top1),
                percent(result.top5))
        }
        var classes = TextTable(["class", "images", "top-1 %", "top-5 %"])
        for entry in report.classes {
            classes.add(entry.name, String(entry.images), percent(entry.top1), percent(entry.top5))
        }
        return """
            \(trained.title)
            \(report.trainingCount) images trained on for \(report.epochs) epochs, \(report.validationCount) scored, \
            \(report.classes.count) classes

            \(results.text)

            Best on these images: \(report.best.feature.rawValue) with \(String(format: "%g", report.best.learningRate)), \
            top-1 \(percent(report.best.top1)) %

            \(classes.text)
            """
    }

    /// Everything that was asked and found.
    private struct Document: Encodable {
        let settings: LinearSettings
        let weights: String
        let steps: Int
        let report: LinearReport

        init(_ settings: LinearSettings, _ trained: TrainedNetwork, _ report: LinearReport) {
            self.settings = settings
            weights = trained.path
            steps = trained.description.steps
            self.report = report
        }
    }
}
