import SelfPatchData
import SelfPatchFormats
import SelfPatchTraining

/// What a segmentation run found, for JSON, tables and pictures. Shares are from 0 to 1.
public struct SegmentationReport: Codable, Equatable, Sendable {
    public struct ClassResult: Codable, Equatable, Sendable {
        public let name: String
        /// Of the validation images.
        public let pixels: Int
        /// Nil where the class neither occurs nor was predicted.
        public let iou: Double?
        /// Nil where it does not occur.
        public let accuracy: Double?
    }

    /// Images that the head was trained on; nil where a finished one is scored.
    public let trainingCount: Int?
    public let validationCount: Int
    public let steps: Int
    public let mIoU: Double?
    public let mAcc: Double?
    public let aAcc: Double?
    public let classes: [ClassResult]
    /// Truth in rows, predictions in columns.
    public let confusion: [[Int]]

    public init(
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
