import SelfPatchEvaluation
import Testing

@Suite struct MaskMeasuresTests {
    /// A map of `height * width` with a box of one object.
    private func map(_ height: Int, _ width: Int, rows: Range<Int>, columns: Range<Int>, object: UInt8 = 1) -> [UInt8] {
        (0..<height * width).map { rows.contains($0 / width) && columns.contains($0 % width) ? object : 0 }
    }

    @Test func regionsAreIntersectionOverUnion() {
        let a = map(10, 12, rows: 2..<6, columns: 2..<8)
        let b = map(10, 12, rows: 4..<8, columns: 2..<8)
        #expect(MaskMeasures.regionSimilarity(a, b, object: 1) == 12.0 / 36)
        #expect(MaskMeasures.regionSimilarity(a, b, object: 2) == 1, "neither holds object 2")
        #expect(MaskMeasures.regionSimilarity(a, map(10, 12, rows: 0..<0, columns: 0..<0), object: 1) == 0)
    }

    /// The distance within which contours agree is what decides: 1 pixel at 60 x 80.
    @Test func contoursAgreeWithinTheRadius() {
        #expect(MaskMeasures.contourRadius(height: 480, width: 854) == 8)
        #expect(MaskMeasures.contourRadius(height: 60, width: 80) == 1)
        func accuracy(shift: Int) -> Double {
            MaskMeasures.contourAccuracy(
                map(60, 80, rows: 20..<40, columns: 20..<50),
                map(60, 80, rows: 20..<40, columns: 20 + shift..<50 + shift), object: 1, height: 60, width: 80)
        }
        #expect(accuracy(shift: 0) == 1)
        #expect(accuracy(shift: 1) == 1)
        #expect(accuracy(shift: 2) < 1)
        #expect(accuracy(shift: 8) < accuracy(shift: 2))
    }

    @Test func contoursThatAreNotThere() {
        func accuracy(_ a: [UInt8], _ b: [UInt8]) -> Double {
            MaskMeasures.contourAccuracy(a, b, object: 1, height: 9, width: 9)
        }
        let nothing = map(9, 9, rows: 0..<0, columns: 0..<0)
        let everything = map(9, 9, rows: 0..<9, columns: 0..<9)
        let some = map(9, 9, rows: 3..<5, columns: 3..<5)
        #expect(accuracy(nothing, nothing) == 1)
        #expect(accuracy(nothing, everything) == 1, "a full frame has no contour either")
        #expect(accuracy(nothing, some) == 0 && accuracy(some, everything) == 0)
        #expect(MaskMeasures.contourAccuracy([1], [0], object: 1, height: 1, width: 1) == 1)
    }

    @Test(arguments: [(1, 0.0), (2, -1), (3, -1.5), (5, -3), (9, -6)])
    func decayComparesTheOuterQuarters(count: Int, decay: Double) {
        // Values 0, 1, 2, ...: quarters share their borders.
        let figures = VideoScore.Figures(of: (0..<count).map(Double.init))
        #expect(figures.decay == decay)
        #expect(figures.mean == Double(count - 1) / 2)
        #expect(figures.recall == Double(count - 1) / Double(count))
    }

    @Test func longVideosHaveRightQuarters() {
        let figures = VideoScore.Figures(of: (0..<1001).map { Double($0) / 1000 })
        #expect(abs(figures.decay + 0.75) < 1e-12)
        #expect(abs(figures.recall - 500.0 / 1001) < 1e-12, "one half itself does not count")
    }
}
