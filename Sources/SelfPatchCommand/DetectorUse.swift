import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// `selfpatch detect` with a detector that is trained already: scores it on annotated pictures, or finds objects in others.
struct DetectorUse {
    private let trained: TrainedDetector

    /// - Parameters:
    ///   - weights: the folder of a complete run, or its detector's file.
    ///   - overlay: changes settings as the command line says; what concerns training is refused.
    init(_ weights: String, device: Device, overlay: (inout SettingsTree) throws -> Void) throws {
        var trained = try TrainedDetector(path: weights, device: device)
        var tree = try SettingsTree(encoding: trained.settings)
        let before = tree
        try overlay(&tree)
        let places = ["views.useShortSide", "views.longSide", "data.", "precision"]
        let refused = before.changes(in: tree, besides: places)
        guard refused.isEmpty else {
            throw UserError(
                "\(trained.path) is trained already, so \(refused.joined(separator: ", ")) cannot change. These can: "
                    + "views.useShortSide, views.longSide, data.* and precision.", kind: .usage)
        }
        trained.settings = try tree.decode(DetectionSettings.self)
        try trained.settings.views.validate()
        self.trained = trained
    }

    // MARK: Scoring

    /// Everything that was asked and found.
    private struct Score: Encodable {
        let settings: DetectionSettings
        let weights: String
        let report: DetectionReport
    }

    /// Scores the pictures of a split; all that is wrong with them is named before.
    func score(output: String?, asJSON: Bool) throws {
        let settings = trained.settings.data
        let (files, notes) = try DetectionSets.files(
            settings, split: settings.scoreSplit, threads: trained.settings.threads)
        try requireClasses(of: files.data, named: settings.scoreSplit)
        var problems = DataProblems()
        files.check(&problems, threads: trained.settings.threads)
        try problems.throwIfAny(title: "The annotated pictures cannot be used")
        var line = ProgressLine(title: "Pictures", total: files.data.images.count)
        let results = try trained.inference.results(on: files) { _ in line.advance() }
        line.clear()
        let masks = trained.detector.settings.masks && files.data.hasMasks
        let report = try DetectionReport(
            of: results, masks: masks, against: files.data, threads: trained.settings.threads, notes: notes)
        try DetectionOutput(title: trained.title, files: files, results: results, report: report)
            .deliver(
                Score(settings: trained.settings, weights: trained.path, report: report), to: output, asJSON: asJSON)
    }

    private func requireClasses(of data: DetectionData, named split: String) throws {
        guard data.classes == trained.classes else {
            func list(_ classes: [DetectionClass], without others: [DetectionClass]) -> String {
                let names = classes.filter { !others.contains($0) }.map { "\(PrintableName.of($0.name)) (\($0.id))" }
                return names.isEmpty ? "none" : names.listed(5)
            }
            throw UserError(
                "The categories of \(split) are not those that \(trained.path) was trained on: it knows, and the data lack: "
                    + "\(list(trained.classes, without: data.classes)); the data have, and it does not know: \(list(data.classes, without: trained.classes)). --classes takes some of the data's.",
                kind: .usage)
        }
    }

    // MARK: Finding

    /// What was done, for JSON.
    private struct Finding: Encodable {
        let settings: DetectionSettings
        let weights: String
        let images: Int
        let detections: Int
        let skipped: [OutputFolder.Skipped]
    }

    /// Finds the objects in a picture, or in each below a folder.
    func find(in path: String, output: String, draws: Bool, asJSON: Bool) throws {
        StopSignal.install()
        var detection = FolderDetection(trained)
        detection.draws = draws
        let images = try FolderDetection.Images(at: path)
        let count = images.files.count
        var line = ProgressLine(title: "Pictures", total: count)
        let outcome = try detection.write(images, to: output) { _ in
            line.advance()
        } isStopped: {
            StopSignal.received != nil
        }
        line.clear()
        for problem in images.folder?.problems ?? [] {
            warn("not entered: \(problem.problem.userError(file: PrintableName.of(problem.name)))")
        }
        for skipped in outcome.skipped { warn("left out: \(PrintableName.of(skipped.name)) \(skipped.reason)") }
        if let signal = StopSignal.received, !outcome.isFinished {
            warn("Stopped after \(outcome.images) of \(count) pictures; those are written.")
            throw ExitCode(StopSignal.exitCode(of: signal))
        }
        let files = try ResultFiles(
            table: "\(outcome.detections) objects in \(outcome.images) pictures: \(output)",
            document: Finding(
                settings: trained.settings, weights: trained.path, images: outcome.images,
                detections: outcome.detections, skipped: outcome.skipped))
        files.print(asJSON: asJSON)
    }
}
