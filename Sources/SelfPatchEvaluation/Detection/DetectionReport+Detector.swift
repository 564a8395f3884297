import SelfPatchData

extension DetectionReport {
    /// What a detector found, scored: masks by themselves, so that their own areas decide how large they are.
    ///
    /// - Parameters:
    ///   - masks: whether they are scored as well.
    ///   - threads: 0 takes one for each processor; the figures do not depend on it.
    ///   - notes: sentences without a full stop.
    package init(
        of results: DetectionResults, masks: Bool, against data: DetectionData, threads: Int = 0, notes: [String] = []
    ) throws {
        func scoring(_ results: DetectionResults) -> COCOScoring {
            var scoring = COCOScoring(results, against: data)
            scoring.threads = threads
            return scoring
        }
        let boxes = scoring(results)
        try self.init(
            boxes, boxes: boxes.score(.boxes),
            masks: masks ? scoring(results.masksAlone).score(.masks) : nil,
            faults: DetectionFaults(boxes, .boxes, lowestScore: DetectionFaults.lowestScore), notes: notes)
    }

    /// The average precision of boxes, and of masks where they were scored, by what it is called in a diary; what is not defined is
    /// left out.
    package var precision: [(name: String, value: Double)] {
        [boxes, masks].compactMap(\.self).compactMap { figures in
            figures.score.averagePrecision().map { ("\(figures.score.kind.rawValue).AP", $0) }
        }
    }
}
