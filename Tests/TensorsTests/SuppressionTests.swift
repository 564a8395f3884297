import SelfPatchTensors
import Testing

@Suite struct SuppressionTests {
    struct Case: Sendable, CustomStringConvertible {
        let count: Int
        let groups: Int
        let overlap: Double
        /// How many different scores there are; many are equal where these are few.
        let scores: Int
        var description: String { "\(count) boxes, \(groups) groups, \(overlap), \(scores) scores" }
    }

    static let cases = [
        Case(count: 1, groups: 1, overlap: 0.5, scores: 1), Case(count: 16, groups: 1, overlap: 0, scores: 16),
        Case(count: 17, groups: 1, overlap: 0.3, scores: 3), Case(count: 300, groups: 1, overlap: 0.7, scores: 300),
        Case(count: 300, groups: 5, overlap: 0.5, scores: 7), Case(count: 400, groups: 80, overlap: 0.2, scores: 400),
        Case(count: 50, groups: 2, overlap: 1, scores: 2),
    ]

    struct Boxes {
        let corners: [[Float]]
        let scores: [Float]
        let groups: [Int]

        init(_ item: Case) {
            let random = Tensor.uniform([item.count, 6], low: 0, high: 1, using: Generator(seed: 8)).floats()
            let rows = (0..<item.count).map { Array(random[6 * $0..<6 * $0 + 6]) }
            corners = rows.map { row in
                let (x, y) = (row[0] * 100, row[1] * 100)
                return [x, y, x + row[2] * 60, y + row[3] * 60].map { $0.rounded() }
            }
            scores = rows.map { ($0[4] * Float(item.scores)).rounded(.down) / Float(item.scores) }
            groups = rows.map { Int($0[5] * Float(item.groups)) - item.groups / 2 }
        }

        func kept(overlap: Double, grouped: Bool = true) -> [Int] {
            Tensor.nonMaximumSuppression(
                boxes: Tensor(corners.flatMap { $0 }, shape: [corners.count, 4]),
                scores: Tensor(scores, shape: [scores.count]),
                groups: grouped ? Tensor(groups, shape: [groups.count]) : nil, overlap: overlap
            ).integers()
        }

        func overlap(_ i: Int, _ j: Int) -> Float {
            let (a, b) = (corners[i], corners[j])
            let width = max(0, min(a[2], b[2]) - max(a[0], b[0])), height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            let areas = [a, b].map { ($0[2] - $0[0]) * ($0[3] - $0[1]) }
            let shared = width * height
            return shared / (areas[0] + areas[1] - shared)
        }

        func isBetter(_ i: Int, _ j: Int) -> Bool { scores[i] > scores[j] || (scores[i] == scores[j] && i < j) }
    }

    @Test(arguments: cases) func laws(item: Case) {
        let boxes = Boxes(item)
        let kept = boxes.kept(overlap: item.overlap)
        #expect(Set(kept).count == kept.count && kept.allSatisfy { (0..<item.count).contains($0) })
        #expect(zip(kept, kept.dropFirst()).allSatisfy { boxes.isBetter($0, $1) })
        // What is kept agrees; what is dropped was overlapped by something better.
        for i in kept {
            for j in kept where i != j && boxes.groups[i] == boxes.groups[j] {
                #expect(!(Double(boxes.overlap(i, j)) > item.overlap), "\(i) and \(j) are both kept")
            }
        }
        for i in Set(0..<item.count).subtracting(kept) {
            #expect(
                kept.contains {
                    boxes.groups[$0] == boxes.groups[i] && boxes.isBetter($0, i)
                        && Double(boxes.overlap($0, i)) > item.overlap
                }, "\(i) is dropped for nothing")
        }
    }

    /// Suppression in the whole is that of each group by itself.
    @Test(arguments: cases) func groupsDoNotMeet(item: Case) {
        let boxes = Boxes(item)
        var alone: [Int] = []
        for group in Set(boxes.groups) {
            let members = (0..<item.count).filter { boxes.groups[$0] == group }
            let kept = Tensor.nonMaximumSuppression(
                boxes: Tensor(members.flatMap { boxes.corners[$0] }, shape: [members.count, 4]),
                scores: Tensor(members.map { boxes.scores[$0] }, shape: [members.count]), overlap: item.overlap)
            alone += kept.integers().map { members[$0] }
        }
        #expect(alone.sorted { boxes.isBetter($0, $1) } == boxes.kept(overlap: item.overlap))
    }

    private func kept(_ corners: [Float], _ scores: [Float], overlap: Double) -> [Int] {
        Tensor.nonMaximumSuppression(
            boxes: Tensor(corners, shape: [scores.count, 4]), scores: Tensor(scores, shape: [scores.count]),
            overlap: overlap
        ).integers()
    }

    @Test func theThresholdIsComparedInFullPrecision() {
        // The second box covers a third of the union of both: 2 / 6 in float32 is a little above 1/3.
        let corners: [Float] = [0, 0, 4, 1, 2, 0, 6, 1]
        let third = Double(Float(2) / Float(6))
        #expect(kept(corners, [0.9, 0.8], overlap: third) == [0, 1])
        #expect(kept(corners, [0.9, 0.8], overlap: third.nextDown) == [0])
        #expect(kept(corners, [0.8, 0.9], overlap: 1.0 / 3) == (third > 1.0 / 3 ? [1] : [1, 0]))
    }

    @Test func oddBoxes() {
        // Without area nothing is overlapped; a score that is no number comes last; nothing stays nothing.
        #expect(kept([3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 9, 9], [0.5, 0.7, 0.6], overlap: 0.5) == [1, 2, 0])
        #expect(kept([0, 0, 2, 2, 0, 0, 2, 2, 5, 5, 6, 6], [.nan, 0.1, .nan], overlap: 0.5) == [1, 2])
        #expect(kept([], [], overlap: 0.5) == [])
    }

    @Test func otherTypesAndPartsOfTensors() {
        let wide = Tensor([0, 0, 0, 2, 2, 9, 0, 0, 2, 2, 9, 5, 5, 6, 6] as [Double], shape: [3, 5])
        let result = Tensor.nonMaximumSuppression(
            boxes: wide.narrowed(to: 1..<5, dimension: 1), scores: wide.selected(0, dimension: 1), overlap: 0.5)
        #expect(result.elementType == .int64)
        #expect(result.integers() == [1, 2])
    }
}
