import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats

/// What a detector found in annotated pictures, as `detect` gives it, right after its training or later.
struct DetectionOutput {
    /// What the table begins with.
    let title: String
    let files: DetectionFiles
    let results: DetectionResults
    let report: DetectionReport

    /// Prints the scores, and writes them with the detections and a picture.
    ///
    /// - Parameters:
    ///   - document: everything that was asked and found.
    ///   - folder: where to write; nil: nowhere.
    func deliver(_ document: some Encodable, to folder: String?, asJSON: Bool) throws {
        let written = try ResultFiles(table: "\(title)\n\(DetectionTable(report).text)", document: document)
        if let folder {
            try written.write(to: folder, pictures: ["predictions": try sheet().picture()])
            try results.write(inFolder: folder, masks: report.masks != nil, for: files.data)
        }
        written.print(asJSON: asJSON)
    }

    /// A few of the pictures, spread evenly; of what was found the surer half of the score's range.
    private func sheet() throws -> DetectionSheet {
        let data = files.data
        let count = min(6, data.images.count)
        let precision = percent(report.boxes.score.averagePrecision().map { 100 * $0 })
        var sheet = DetectionSheet(title: "Mask R-CNN: AP \(precision) %")
        for place in 0..<count {
            let index = place * data.images.count / count
            let sample = try files.sample(index)
            sheet.add(
                data.images[index].file, image: sample.image,
                truth: sample.objects.filter { !$0.isCrowd }.map {
                    DetectionDrawing.Object(box: $0.box, label: data.classes[$0.classIndex].name, mask: $0.mask)
                },
                found: results.detections.filter { $0.image == index && $0.score >= DetectionDrawing.lowestScore }
                    .compactMap {
                        DetectionDrawing.Object($0, classes: data.classes)
                    })
        }
        return sheet
    }
}
