import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// `selfpatch segment` with a head that is trained already: scores it on labelled images, or labels images.
struct SegmenterUse {
    private let trained: TrainedSegmenter

    /// - Parameters:
    ///   - weights: the folder of a complete run, or its segmenter's file.
    ///   - overlay: changes settings as the command line says; what concerns training is refused.
    init(_ weights: String, device: Device, overlay: (inout SettingsTree) throws -> Void) throws {
        var trained = try TrainedSegmenter(path: weights, device: device)
        var tree = try SettingsTree(encoding: trained.settings)
        let before = tree
        try overlay(&tree)
        let places = ["inference.", "views.shortSide", "views.longSide", "data.", "precision"]
        let refused = before.changes(in: tree, besides: places)
        guard refused.isEmpty else {
            throw UserError(
                "\(trained.path) is trained already, so \(refused.joined(separator: ", ")) cannot change. These can: inference.*, "
                    + "views.shortSide, views.longSide, data.* and precision.", kind: .usage)
        }
        trained.settings = try tree.decode(SegmentationSettings.self)
        try trained.settings.validateUse(of: trained.segmenter.network.architecture)
        self.trained = trained
    }

    // MARK: Scoring

    /// Everything that was asked and found.
    private struct Score: Encodable {
        let settings: SegmentationSettings
        let weights: String
        let report: SegmentationReport
    }

    /// Scores the validation images; all that is wrong with them is named before.
    func score(output: String?, asJSON: Bool) throws {
        let validation = try labelledImages()
        var problems = DataProblems()
        var line = ProgressLine(title: "Label maps", total: validation.count)
        let contents = validation.check(&problems) { done in line.advance(to: done) }
        line.clear()
        if contents.pixels.allSatisfy({ $0 == 0 }) { problems.add("no label map holds a class") }
        try problems.throwIfAny(title: "The labelled images cannot be used")
        let channels = trained.segmenter.network.architecture.channels
        var images = ProgressLine(title: "Images", total: validation.count)
        let matrix = try trained.inference.confusion(over: validation.source(channels: channels)) { _ in
            images.advance()
        }
        images.clear()
        let report = SegmentationReport(
            matrix, classes: trained.classes, validationCount: validation.count, steps: trained.steps)
        let results = SegmentationResults(
            report: report, title: trained.title, head: trained.settings.model.head.rawValue, classes: trained.classes,
            validation: validation, inference: trained.inference)
        try results.deliver(
            Score(settings: trained.settings, weights: trained.path, report: report), to: output, asJSON: asJSON)
    }

    /// The images to score, whose classes have to be those that the head knows.
    private func labelledImages() throws -> LabelledFolder {
        let data = trained.settings.data
        guard !data.folder.isEmpty || (!data.validationImages.isEmpty && !data.validationLabels.isEmpty) else {
            throw UserError(
                "\(trained.path) is trained already. Name labelled images to score it on with --data, or images to label with "
                    + "--predict.", kind: .usage)
        }
        guard data.classes == 0 || data.classes == trained.classes.count else {
            throw UserError(
                "data.classes is \(data.classes), but \(trained.path) was trained on \(trained.classes.count).",
                kind: .usage)
        }
        let beside = "\(data.folder)/classes.txt"
        let list =
            data.classList.isEmpty
            ? !data.folder.isEmpty && FileManager.default.fileExists(atPath: beside) ? beside : nil : data.classList
        if let list {
            let names = try ClassList(file: list).names
            guard names.count == trained.classes.count else {
                throw UserError(
                    "\(list) names \(names.count) classes, but \(trained.path) was trained on \(trained.classes.count).",
                    kind: .usage)
            }
            if let (theirs, ours) = zip(names, trained.classes.names).first(where: { $0 != $1 }) {
                warn(
                    "\(list) has a class '\(theirs)' where the head has '\(ours)'; they are compared by their numbers.")
            }
        }
        let folders = trained.settings.folders(validation: true)
        return LabelledFolder(
            try FolderPairs(images: folders.images, labels: folders.labels), numbering: data.numbering,
            classCount: trained.classes.count)
    }

    // MARK: Labelling

    /// What was done, for JSON.
    private struct Labelling: Encodable {
        let settings: SegmentationSettings
        let weights: String
        let images: Int
        let made: Int
        let kept: Int
        let skipped: [OutputFolder.Skipped]
    }

    /// Writes a label map for each image below a folder.
    func label(_ folder: String, output: String, overlays: Bool, asJSON: Bool) throws {
        StopSignal.install()
        let images = try ImageFolder(root: folder)
        var prediction = FolderPrediction(trained)
        prediction.paintsOverlays = overlays
        var line = ProgressLine(title: "Images", total: images.count)
        let outcome = try prediction.write(images, to: output) { _ in
            line.advance()
        } isStopped: {
            StopSignal.received != nil
        }
        line.clear()
        for problem in images.problems {
            warn("not entered: \(problem.problem.userError(file: PrintableName.of(problem.name)))")
        }
        for skipped in outcome.skipped { warn("left out: \(PrintableName.of(skipped.name)) \(skipped.reason)") }
        if let signal = StopSignal.received, !outcome.isFinished {
            warn(
                "Stopped after \(outcome.made + outcome.kept + outcome.skipped.count) of \(images.count) images; the same command goes on there."
            )
            throw ExitCode(StopSignal.exitCode(of: signal))
        }
        let before = outcome.kept == 0 ? "" : ", \(outcome.kept) of them from before"
        let skipped =
            outcome.skipped.isEmpty
            ? "" : "; \(outcome.skipped.count) images could not be read, see \(output)/skipped.txt"
        let files = try ResultFiles(
            table: "\(outcome.made + outcome.kept) label maps in \(output)/labels\(before)\(skipped)",
            document: Labelling(
                settings: trained.settings, weights: trained.path, images: images.count, made: outcome.made,
                kept: outcome.kept, skipped: outcome.skipped))
        files.print(asJSON: asJSON)
    }
}
