import SelfPatchFormats
import SelfPatchTensors

/// Which boxes of which classes are detections: scores above a bound, of those of one class that overlap too much all but the
/// best, and of all classes the best.
///
/// Source: `multiclass_nms` of mmdetection; each class by itself, without shifting boxes.
package struct DetectionSelection: Codable, Equatable, Sendable {
    /// A score has to be above it.
    package var score: Float = 0.05
    /// More than this overlap with a better box of the same class drops a box.
    package var overlap = 0.5
    /// Detections of a picture.
    package var most = 100

    package init(score: Float = 0.05, overlap: Double = 0.5, most: Int = 100) {
        (self.score, self.overlap, self.most) = (score, overlap, most)
    }

    /// A choice of one class for one region.
    package struct Choice: Equatable, Sendable {
        /// Of the region.
        package let index: Int
        /// From 0.
        package let classIndex: Int
        package let score: Float
        package let box: Box
    }

    /// - Parameters:
    ///   - scores: `[regions * (classes + 1)]` after the softmax; the last of a region is background.
    ///   - box: of a region and a class.
    /// - Returns: the best first; equal ones by region, then class.
    package func callAsFunction(
        scores: [Float], classCount: Int, box: (_ region: Int, _ classIndex: Int) -> Box
    ) -> [Choice] {
        var choices: [Choice] = []
        for start in stride(from: 0, to: scores.count, by: classCount + 1) {
            let region = start / (classCount + 1)
            for classIndex in 0..<classCount where scores[start + classIndex] > score {
                choices.append(
                    Choice(
                        index: region, classIndex: classIndex, score: scores[start + classIndex],
                        box: box(region, classIndex)))
            }
        }
        let count = choices.count
        let kept = Tensor.nonMaximumSuppression(
            boxes: Tensor(choices.map(\.box)), scores: Tensor(choices.map(\.score), shape: [count]),
            groups: Tensor(choices.map(\.classIndex), shape: [count]), overlap: overlap)
        return kept.integers().prefix(most).map { choices[$0] }
    }
}
