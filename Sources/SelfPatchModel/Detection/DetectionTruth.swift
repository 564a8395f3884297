import SelfPatchTensors

/// The objects of one picture of a batch.
package struct DetectionTruth: Sendable {
    /// Of the picture in pixels, as the network gets it, before it is filled up.
    package let height: Int
    package let width: Int
    package let boxes: [Box]
    /// Of each object, from 0.
    package let classes: [Int]
    /// Of each object, `[height, width]`, 1 where it is; nil where nothing but boxes is learnt.
    package let masks: [[UInt8]]?

    package init(height: Int, width: Int, boxes: [Box], classes: [Int], masks: [[UInt8]]?) {
        precondition(boxes.count == classes.count, "\(boxes.count) boxes of \(classes.count) classes")
        precondition(
            masks.map { $0.count == boxes.count } ?? true, "\(masks?.count ?? 0) masks for \(boxes.count) boxes")
        (self.height, self.width) = (height, width)
        (self.boxes, self.classes, self.masks) = (boxes, classes, masks)
    }
}
