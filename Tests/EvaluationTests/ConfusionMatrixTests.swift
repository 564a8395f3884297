import SelfPatchEvaluation
import Testing

@Suite struct ConfusionMatrixTests {
    @Test func figuresAreThoseOfTheCounts() throws {
        var matrix = ConfusionMatrix(classCount: 3)
        for (truth, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)] {
            matrix.add(truth: truth, predicted: predicted)
        }
        #expect(matrix.total == 5)
        #expect(matrix.accuracy == 0.6)
        #expect(matrix.intersectionOverUnion(of: 0) == 0.5)
        #expect(matrix.intersectionOverUnion(of: 1) == 1.0 / 3)
        #expect(matrix.intersectionOverUnion(of: 2) == nil && matrix.accuracy(of: 2) == nil)
        let mean = try #require(matrix.meanIntersectionOverUnion)
        #expect(abs(mean - 1.25 / 3) < 1e-15)
        let meanAccuracy = try #require(matrix.meanAccuracy)
        #expect(abs(meanAccuracy - 3.5 / 6) < 1e-15)
        var twice = matrix
        twice.add(matrix)
        #expect(twice.total == 10 && twice.meanIntersectionOverUnion == matrix.meanIntersectionOverUnion)
        #expect(twice[0, 1] == 2 && twice[1, 2] == 0)
    }

    @Test func mapsAreCountedPixelByPixel() {
        let truth: [UInt8] = [0, 1, 1, 255, 2, 9]
        let predicted: [Int] = [0, 1, 0, 1, -1, 2]
        var whole = ConfusionMatrix(classCount: 3)
        whole.add(truth: truth, predicted: predicted, ignored: 255)
        var single = ConfusionMatrix(classCount: 3)
        for (truth, predicted) in zip(truth, predicted) where truth != 255 {
            single.add(truth: Int(truth), predicted: predicted)
        }
        #expect(whole == single)
        // The prediction at the unknown truth 9 counts as predicted, the true 2 without a prediction as labelled.
        #expect(whole.predicted(2) == 1)
        #expect(whole.labelled(2) == 1)
        #expect(whole.intersection(of: 2) == 0)
        #expect(whole.total == 4)
    }

    @Test func nothingHasNoFigures() {
        let matrix = ConfusionMatrix(classCount: 2)
        #expect(matrix.accuracy == nil && matrix.meanAccuracy == nil && matrix.meanIntersectionOverUnion == nil)
    }
}
