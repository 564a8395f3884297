import SelfPatchData

/// How far something found and an object cover each other: intersection over union, in double precision.
///
/// For a crowd the detection's own area stands in place of the union: what lies wholly within a crowd overlaps it with 1.
/// Source: `bbIou` and `rleIou` of pycocotools' `maskApi.c`.
package enum DetectionOverlap {
    package static func ofBoxes(_ detection: DetectionBox, _ object: DetectionBox, isCrowd: Bool) -> Double {
        let width = min(detection.x + detection.width, object.x + object.width) - max(detection.x, object.x)
        let height = min(detection.y + detection.height, object.y + object.height) - max(detection.y, object.y)
        guard width > 0, height > 0 else { return 0 }
        let intersection = width * height
        let union = isCrowd ? detection.area : detection.area + object.area - intersection
        return intersection / union
    }

    /// Two masks of one image, by their runs.
    package static func ofMasks(_ detection: MeasuredMask, _ object: MeasuredMask, isCrowd: Bool) -> Double {
        guard ofBoxes(detection.box, object.box, isCrowd: isCrowd) > 0 else { return 0 }
        let intersection = detection.mask.intersectionCount(with: object.mask)
        guard intersection > 0 else { return 0 }
        let union = isCrowd ? detection.area : detection.area + object.area - intersection
        return Double(intersection) / Double(union)
    }
}

/// A mask whose area and box are known, for it is compared with many.
package struct MeasuredMask: Sendable {
    package let mask: RunLengthMask
    package let area: Int
    package let box: DetectionBox

    package init(_ mask: RunLengthMask) {
        self.mask = mask
        area = mask.area
        box = mask.box
    }
}
