import SelfPatchData

/// COCO's twelve numbers, and those of each class.
///
/// Everything is from 0 to 1, and nil where it is not defined: where a class has no object (of a size).
/// Source: `summarize` of pycocotools' COCOeval.
package struct COCOScore: Equatable, Sendable {
    /// What is held against each other.
    package enum Kind: String, CaseIterable, Sendable {
        case boxes = "bbox"
        case masks = "segm"
    }

    package let kind: Kind
    /// Empty where classes were disregarded.
    package let classes: [DetectionClass]
    /// Of each class, or of all together.
    package let curves: [PrecisionRecall]

    /// One of the twelve, as pycocotools orders them.
    package struct Figure: Equatable, Sendable {
        /// `AP`, `AP50`, `AR_small` ...
        package let name: String
        package let value: Double?
    }

    /// The twelve numbers.
    ///
    /// - Parameter number: the place of one class; all of them by default.
    package func figures(ofClass number: Int? = nil) -> [Figure] {
        [
            Figure(name: "AP", value: averagePrecision(ofClass: number)),
            Figure(name: "AP50", value: averagePrecision(threshold: 0, ofClass: number)),
            Figure(name: "AP75", value: averagePrecision(threshold: 5, ofClass: number)),
            Figure(name: "AP_small", value: averagePrecision(.small, ofClass: number)),
            Figure(name: "AP_medium", value: averagePrecision(.medium, ofClass: number)),
            Figure(name: "AP_large", value: averagePrecision(.large, ofClass: number)),
            Figure(name: "AR1", value: Self.mean(chosen(number).map(\.earlyRecall[0]))),
            Figure(name: "AR10", value: Self.mean(chosen(number).map(\.earlyRecall[1]))),
            Figure(name: "AR100", value: averageRecall(ofClass: number)),
            Figure(name: "AR_small", value: averageRecall(.small, ofClass: number)),
            Figure(name: "AR_medium", value: averageRecall(.medium, ofClass: number)),
            Figure(name: "AR_large", value: averageRecall(.large, ofClass: number)),
        ]
    }

    /// The mean precision over recalls, overlaps and classes.
    ///
    /// - Parameters:
    ///   - threshold: the place of one overlap; all of them by default.
    ///   - number: the place of one class; all of them by default.
    package func averagePrecision(
        _ size: COCOThresholds.Size = .all, threshold: Int? = nil, ofClass number: Int? = nil
    ) -> Double? {
        let width = COCOThresholds.recalls.count
        return Self.mean(
            chosen(number).map { curve in
                let all = curve.precision[size.rawValue]
                guard let threshold, !all.isEmpty else { return all }
                return Array(all[threshold * width..<(threshold + 1) * width])
            })
    }

    /// The mean over overlaps and classes of the recall with 100 detections an image.
    package func averageRecall(_ size: COCOThresholds.Size = .all, ofClass number: Int? = nil) -> Double? {
        Self.mean(chosen(number).map { $0.recall[size.rawValue] })
    }

    private func chosen(_ number: Int?) -> [PrecisionRecall] { number.map { [curves[$0]] } ?? curves }

    private static func mean(_ lists: [[Double]]) -> Double? {
        let count = lists.reduce(0) { $0 + $1.count }
        guard count > 0 else { return nil }
        // Sums of sums keep the error of a long one small, as numpy's pairwise sums do.
        return lists.reduce(0) { $0 + $1.reduce(0, +) } / Double(count)
    }
}
