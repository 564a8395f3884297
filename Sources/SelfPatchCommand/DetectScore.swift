import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// What scoring of results is told.
struct DetectScoreOptions: ParsableArguments {
    @Option(
        name: .customLong("score"),
        help: ArgumentHelp("Score this list of results against --data.", valueName: "results"))
    var results: String?

    @Option(
        name: .customLong("fault-score"),
        help: ArgumentHelp(
            "With --score: the lowest score that the table of faults counts (default: \(DetectionFaults.lowestScore)).",
            valueName: "score"))
    var lowestScore: Double?

    func validate() throws {
        if results == nil, lowestScore != nil { throw ValidationError("--fault-score belongs to --score.") }
        if lowestScore?.isNaN == true { throw ValidationError("--fault-score is no number.") }
    }

    /// - Parameter threads: 0 takes one for each processor.
    func score(_ path: String, data root: String, split: String, classes names: [String], threads: Int, asJSON: Bool)
        throws
    {
        let start = ContinuousClock.now
        let folder = try COCOFolder(root: root, split: split)
        let annotations = try COCOAnnotations(path: folder.annotationFile, threads: threads)
        var (data, notes) = (annotations.data, annotations.notes)
        var results = try DetectionResults(path: path, for: data, threads: threads)
        if results.detections.isEmpty { notes.append("\(PrintableName.of(path)) lists no result, which gives zeros") }
        if !names.isEmpty {
            let part = try data.keeping(classes: names)
            results = results.keeping(classesOf: part, of: data)
            data = part
        }
        let loaded = ContinuousClock.now
        var scoring = COCOScoring(results, against: data)
        scoring.threads = threads
        var seconds = ["loading": (loaded - start).seconds]
        func timed(_ kind: COCOScore.Kind) throws -> COCOScore {
            let start = ContinuousClock.now
            defer { seconds[kind.rawValue] = (ContinuousClock.now - start).seconds }
            return try scoring.score(kind)
        }
        let boxes = try timed(.boxes)
        var masks: COCOScore?
        if results.hasMasks, data.hasMasks {
            masks = try timed(.masks)
            if results.hasBoxes, !results.detections.isEmpty {
                notes.append("sizes of masks are those of their boxes, for the results have both: so does pycocotools")
            }
        } else if results.hasMasks {
            notes.append("masks are not scored, for not every object of the data has one")
        } else {
            notes.append("masks are not scored, for the results have none")
        }
        if !results.hasBoxes { notes.append("the results have no boxes: those of their masks are scored") }
        let faults = DetectionFaults(
            scoring, masks == nil ? .boxes : .masks, lowestScore: lowestScore ?? DetectionFaults.lowestScore)
        let report = DetectionReport(scoring, boxes: boxes, masks: masks, faults: faults, notes: notes)
        let document = Document(
            annotations: folder.annotationFile, results: path, report: report, seconds: seconds,
            peakMemory: Memory.peakBytes)
        try ResultFiles(table: DetectionTable(report).text, document: document).print(asJSON: asJSON)
    }

    private struct Document: Encodable {
        let annotations: String
        let results: String
        let report: DetectionReport
        let seconds: [String: Double]
        let peakMemory: Int
    }
}
