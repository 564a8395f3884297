import SelfPatchEvaluation
import SelfPatchFormats

/// A detector's scores as a person reads them: the twelve numbers, the classes that occur, what goes wrong, and the notes.
struct DetectionTable {
    private let report: DetectionReport
    /// Of boxes, and of masks where there are any.
    private let scores: [COCOScore]

    init(_ report: DetectionReport) {
        self.report = report
        scores = [report.boxes.score] + (report.masks.map { [$0.score] } ?? [])
    }

    var text: String {
        let head =
            "\(report.detections) detections in \(report.images) images with \(report.objects) objects; figures in per cent"
        let notes = report.notes.map { $0 + "." }.joined(separator: "\n")
        return [head, figures, classes, faults].joined(separator: "\n\n") + (notes.isEmpty ? "" : "\n\n" + notes)
    }

    private func share(_ value: Double?) -> String { percent(value.map { 100 * $0 }, digits: 2) }

    private var figures: String {
        var table = TextTable(["", "boxes", "masks"].prefix(1 + scores.count).map { $0 })
        for (place, figure) in scores[0].figures().enumerated() {
            table.add([figure.name.replacing("_", with: " ")] + scores.map { share($0.figures()[place].value) })
        }
        return table.text
    }

    private var classes: String {
        var table = TextTable(
            ["class", "objects"] + (scores.count == 1 ? ["AP", "AP50"] : ["AP box", "AP50", "AP mask", "AP50"]))
        for (number, each) in scores[0].classes.enumerated() {
            let curves = scores[0].curves[number]
            guard curves.objectCounts[0] > 0 || curves.detectionCount > 0 else { continue }
            let values = scores.flatMap {
                [$0.averagePrecision(ofClass: number), $0.averagePrecision(threshold: 0, ofClass: number)]
            }
            table.add(
                [String(PrintableName.of(each.name).prefix(24)), String(curves.objectCounts[0])] + values.map(share))
        }
        return table.text
    }

    private var faults: String {
        let (faults, total) = (report.faults, report.faults.total)
        var table = TextTable(["  right", String(total.right)])
        table.add("  double", String(total.double))
        table.add("  wrong place", String(total.wrongPlace))
        table.add("  wrong class", String(total.wrongClass))
        table.add("  both wrong", String(total.bothWrong))
        table.add("  background", String(total.background))
        table.add("  missed", String(total.missed))
        let meanings = [
            "", "of an object that a better one has found", "an object of its class by 10 to 50 %",
            "an object of another class by 50 % or more", "an object of another class by 10 to 50 %",
            "no object so far", "of \(total.objects) objects: nothing of the above is at them",
        ]
        let lines = zip(table.text.split(separator: "\n"), meanings).map { $1.isEmpty ? "\($0)" : "\($0)   \($1)" }
        let shapes = faults.kind == COCOScore.Kind.masks.rawValue ? "masks" : "boxes"
        return
            ([
                "What goes wrong, by \(shapes): \(total.detections) detections with a score of at least \(faults.lowestScore)"
            ]
            + lines).joined(separator: "\n")
    }
}
