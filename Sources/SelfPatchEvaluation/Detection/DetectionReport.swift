import Foundation
import SelfPatchData
import SelfPatchFormats

/// What a detector's results are worth: scores of boxes and masks, and what goes wrong.
package struct DetectionReport: Encodable {
    /// The twelve numbers; null where one is not defined.
    package struct Figures: Encodable {
        package let score: COCOScore

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            for figure in score.figures { try container.encode(figure.value, forKey: Key(stringValue: figure.name)) }
            let classes = score.classes.indices.map { ClassFigures(score, $0) }
            if !classes.isEmpty { try container.encode(classes, forKey: Key(stringValue: "classes")) }
        }
    }

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    struct ClassFigures: Encodable {
        let score: COCOScore
        let number: Int

        init(_ score: COCOScore, _ number: Int) {
            self.score = score
            self.number = number
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            func put(_ value: Double?, _ name: String) throws {
                try container.encode(value, forKey: Key(stringValue: name))
            }
            try container.encode(score.classes[number].id, forKey: Key(stringValue: "id"))
            try container.encode(score.classes[number].name, forKey: Key(stringValue: "name"))
            try container.encode(score.curves[number].objectCounts[0], forKey: Key(stringValue: "objects"))
            try put(score.averagePrecision(ofClass: number), "AP")
            try put(score.averagePrecision(threshold: 0, ofClass: number), "AP50")
            try put(score.averagePrecision(threshold: 5, ofClass: number), "AP75")
            try put(score.averagePrecision(.small, ofClass: number), "AP_small")
            try put(score.averagePrecision(.medium, ofClass: number), "AP_medium")
            try put(score.averagePrecision(.large, ofClass: number), "AP_large")
            try put(score.averageRecall(ofClass: number), "AR100")
        }
    }

    package struct Faults: Encodable {
        struct OfClass: Encodable {
            let name: String
            let counts: DetectionFaults.Counts
        }

        package let kind: String
        package let lowestScore: Double
        let overlap: Double
        package let total: DetectionFaults.Counts
        let classes: [OfClass]
    }

    package let images: Int
    package let objects: Int
    package let detections: Int
    package let boxes: Figures
    package let masks: Figures?
    package let faults: Faults
    package let notes: [String]

    /// - Parameters:
    ///   - masks: nil where there are none.
    ///   - notes: sentences without a full stop.
    package init(
        _ scoring: COCOScoring, boxes: COCOScore, masks: COCOScore?, faults: DetectionFaults, notes: [String]
    ) {
        images = scoring.data.images.count
        objects = scoring.data.objectCount
        detections = scoring.results.detections.count
        self.boxes = Figures(score: boxes)
        self.masks = masks.map(Figures.init)
        self.faults = Faults(
            kind: faults.kind.rawValue, lowestScore: faults.lowestScore, overlap: DetectionFaults.found,
            total: faults.total,
            classes: zip(scoring.data.classes, faults.classes).map { Faults.OfClass(name: $0.name, counts: $1) })
        self.notes = notes
    }
}
