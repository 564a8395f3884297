import Foundation
import SelfPatchData
import SelfPatchFormats

/// Scores of boxes and masks as a table, and as JSON.
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

    struct Faults: Encodable {
        struct OfClass: Encodable {
            let name: String
            let counts: DetectionFaults.Counts
        }

        let kind: String
        let lowestScore: Double
        let overlap: Double
        let total: DetectionFaults.Counts
        let classes: [OfClass]
    }

    let images: Int
    let objects: Int
    let detections: Int
    package let boxes: Figures
    package let masks: Figures?
    private let faults: Faults
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

    // MARK: Text

    /// The twelve numbers, the classes that occur, what goes wrong, and the notes.
    package var table: String {
        let scores = [boxes.score] + (masks.map { [$0.score] } ?? [])
        var lines = ["\(detections) detections in \(images) images with \(objects) objects; figures in per cent", ""]
        lines.append(
            Self.left("", 12) + (masks == nil ? ["boxes"] : ["boxes", "masks"]).map { Self.right($0, 8) }.joined())
        for (place, figure) in scores[0].figures.enumerated() {
            let values = scores.map { Self.percent($0.figures[place].value) }.joined()
            lines.append(Self.left(figure.name.replacing("_", with: " "), 12) + values)
        }
        lines += ["", classTable(scores), "", faultTable]
        if !notes.isEmpty { lines += [""] + notes.map { $0 + "." } }
        return lines.joined(separator: "\n")
    }

    private func classTable(_ scores: [COCOScore]) -> String {
        let width = min(24, max(5, scores[0].classes.map { PrintableName.of($0.name).count }.max() ?? 5)) + 2
        var lines = [
            Self.left("class", width) + Self.right("objects", 9)
                + (scores.count == 1 ? ["AP", "AP50"] : ["AP box", "AP50", "AP mask", "AP50"])
                .map { Self.right($0, 9) }.joined()
        ]
        for (number, name) in scores[0].classes.enumerated() {
            let curves = scores[0].curves[number]
            guard curves.objectCounts[0] > 0 || curves.detectionCount > 0 else { continue }
            let values = scores.flatMap {
                [$0.averagePrecision(ofClass: number), $0.averagePrecision(threshold: 0, ofClass: number)]
            }
            lines.append(
                Self.left(PrintableName.of(name.name), width) + Self.right("\(curves.objectCounts[0])", 9)
                    + values.map { Self.percent($0, 9) }.joined())
        }
        return lines.joined(separator: "\n")
    }

    private var faultTable: String {
        let total = faults.total
        let rows = [
            ("right", total.right, ""), ("double", total.double, "of an object that a better one has found"),
            ("wrong place", total.wrongPlace, "an object of its class by 10 to 50 %"),
            ("wrong class", total.wrongClass, "an object of another class by 50 % or more"),
            ("both wrong", total.bothWrong, "an object of another class by 10 to 50 %"),
            ("background", total.background, "no object so far"),
            ("missed", total.missed, "of \(total.objects) objects: nothing of the above is at them"),
        ]
        let shapes = faults.kind == COCOScore.Kind.masks.rawValue ? "masks" : "boxes"
        let title =
            "What goes wrong, by \(shapes): \(total.detections) detections with a score of at least \(faults.lowestScore)"
        return
            ([title]
            + rows.map { name, count, words in
                "  " + Self.left(name, 12) + Self.right("\(count)", 9) + (words.isEmpty ? "" : "   \(words)")
            }).joined(separator: "\n")
    }

    private static func percent(_ value: Double?, _ width: Int = 8) -> String {
        right(value.map { String(format: "%.2f", 100 * $0) } ?? "-", width)
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text.count >= width
            ? text.prefix(width - 2) + "  " : text + String(repeating: " ", count: width - text.count)
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}
