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
            try Self.encode(score.figures(), into: &container)
            let classes = score.classes.indices.map { ClassFigures(score: score, number: $0) }
            if !classes.isEmpty { try container.encode(classes, forKey: Key(stringValue: "classes")) }
        }

        fileprivate static func encode(
            _ figures: [COCOScore.Figure], into container: inout KeyedEncodingContainer<Key>
        ) throws {
            for figure in figures { try container.encode(figure.value, forKey: Key(stringValue: figure.name)) }
        }
    }

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The same of one class.
    struct ClassFigures: Encodable {
        let score: COCOScore
        let number: Int

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(score.classes[number].id, forKey: Key(stringValue: "id"))
            try container.encode(score.classes[number].name, forKey: Key(stringValue: "name"))
            try container.encode(score.curves[number].objectCounts[0], forKey: Key(stringValue: "objects"))
            try Figures.encode(score.figures(ofClass: number), into: &container)
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
