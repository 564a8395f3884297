import SelfPatchData
import SelfPatchFormats
import SelfPatchTraining

/// What a segmentation run found, for JSON, tables and pictures. Shares are from 0 to 1.
package struct SegmentationReport: Codable, Equatable, Sendable {
    package struct ClassResult: Codable, Equatable, Sendable {
        package let name: String
        /// Of the validation images.
        package let pixels: Int
        /// Nil where the class neither occurs nor was predicted.
        package let iou: Double?
        /// Nil where it does not occur.
        package let accuracy: Double?
    }

    /// Images that the head was trained on; nil where a finished one is scored.
    package let trainingCount: Int?
    package let validationCount: Int
    package let steps: Int
    package let mIoU: Double?
    package let mAcc: Double?
    package let aAcc: Double?
    package let classes: [ClassResult]
    /// Truth in rows, predictions in columns.
    package let confusion: [[Int]]

    package init(
        _ matrix: ConfusionMatrix, classes: ClassList, trainingCount: Int? = nil, validationCount: Int, steps: Int
    ) {
        self.trainingCount = trainingCount
        self.validationCount = validationCount
        self.steps = steps
        mIoU = matrix.meanIntersectionOverUnion
        mAcc = matrix.meanAccuracy
        aAcc = matrix.accuracy
        self.classes = classes.names.enumerated().map { number, name in
            ClassResult(
                name: name, pixels: matrix.labelled(number), iou: matrix.intersectionOverUnion(of: number),
                accuracy: matrix.accuracy(of: number))
        }
        confusion = classes.names.indices.map { truth in classes.names.indices.map { matrix[truth, $0] } }
    }
}
