import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// Scores of a trained head as `segment` gives them, right after its training or later on other images.
struct SegmentationResults {
    let report: SegmentationReport
    /// What the table begins with.
    let title: String
    let head: String
    let classes: ClassList
    let validation: LabelledFolder
    let inference: SegmentationInference

    private var score: String { "mIoU \(percent(report.mIoU.map { 100 * $0 })) %" }

    /// Prints what was found, and writes it with its pictures.
    ///
    /// - Parameters:
    ///   - document: everything that was asked and found.
    ///   - folder: where to write; nil: nowhere.
    func deliver(_ document: some Encodable, to folder: String?, asJSON: Bool) throws {
        let files = try ResultFiles(table: table, document: document)
        if let folder {
            let matrix = ConfusionPicture(
                title: "\(head): \(score)", names: classes.names, counts: report.confusion.flatMap { $0 })
            try files.write(
                to: folder, pictures: ["predictions": try sheet().picture(), "confusion": matrix.picture()])
        }
        files.print(asJSON: asJSON)
    }

    private var table: String {
        func share(_ value: Double?) -> String { percent(value.map { 100 * $0 }) }
        var table = TextTable(["class", "pixels", "IoU %", "accuracy %"])
        for entry in report.classes {
            table.add(entry.name, String(entry.pixels), share(entry.iou), share(entry.accuracy))
        }
        let trained = report.trainingCount.map { "\($0) images trained on for \(report.steps) steps, " } ?? ""
        return """
            \(title)
            \(trained)\(report.validationCount) images scored at their own size

            \(table.text)

            mIoU \(share(report.mIoU)) %, mAcc \(share(report.mAcc)) %, aAcc \(share(report.aAcc)) %
            """
    }

    /// A few of the scored images, spread evenly.
    private func sheet() throws -> SegmentationSheet {
        let count = min(6, validation.count)
        let channels = inference.segmenter.network.architecture.channels
        let rows = try (0..<count).map { place -> SegmentationSheet.Row in
            let index = place * validation.count / count
            let sample = try validation.sample(index, channels: channels)
            return SegmentationSheet.Row(
                name: validation.pairs.images.name(of: index), image: sample.image, truth: sample.labels.bytes,
                predicted: inference.classes(of: sample.image))
        }
        return SegmentationSheet(title: "\(head): \(score)", classes: classes, rows: rows)
    }
}
