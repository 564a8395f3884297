import SelfPatchData

extension DetectionReport {
    /// What a detector found, scored: masks by themselves, so that their own areas decide how large they are.
    ///
    /// - Parameters:
    ///   - masks: whether they are scored as well.
    ///   - notes: sentences without a full stop.
    package init(
        of results: DetectionResults, masks: Bool, against data: DetectionData, notes: [String] = []
    ) throws {
        let boxes = COCOScoring(results, against: data)
        try self.init(
            boxes, boxes: boxes.score(.boxes),
            masks: masks ? COCOScoring(results.masksAlone, against: data).score(.masks) : nil,
            faults: DetectionFaults(boxes, .boxes, lowestScore: Self.faultScore), notes: notes)
    }

    /// Detections with a lower score do not count as faults.
    private static let faultScore = 0.3

    /// The average precision of boxes, and of masks where they were scored, by what it is called in a diary.
    package var precision: [(name: String, value: Double)] {
        ([boxes] + (masks.map { [$0] } ?? [])).map {
            ("\($0.score.kind.rawValue).AP", $0.score.averagePrecision() ?? 0)
        }
    }
}
