import SelfPatchTensors

/// What the mask head should say of regions: their objects' masks, read like maps of features in 28 x 28 places, at least half full
/// or not.
///
/// Source: `BitmapMasks.crop_and_resize` of mmdetection.
package enum MaskTargets {
    /// - Parameters:
    ///   - boxes: of regions of one picture.
    ///   - objects: of each region its object's place in the truth.
    ///   - paddedHeight: of the picture with what it was filled up by below and to the right.
    ///   - paddedWidth: alike.
    /// - Returns: `[regions, 28, 28]`, 0 or 1; nothing where the truth has no masks.
    package static func of(
        _ boxes: [Box], objects: [Int], in truth: DetectionTruth, paddedHeight: Int, paddedWidth: Int
    ) -> [Float] {
        precondition(boxes.count == objects.count, "\(boxes.count) regions of \(objects.count) objects")
        guard let masks = truth.masks else { return [] }
        let size = MaskHead.maskSize * MaskHead.maskSize
        var targets = [Float](repeating: 0, count: boxes.count * size)
        for (object, regions) in Dictionary(grouping: objects.indices, by: { objects[$0] }) {
            let map = Tensor(masks[object], shape: [1, 1, truth.height, truth.width]).cast(to: .float32)
                .padded([0, paddedWidth - truth.width, 0, paddedHeight - truth.height])
            let numbers = regions.flatMap { region -> [Float] in
                let box = boxes[region].clipped(height: Float(paddedHeight), width: Float(paddedWidth))
                return [0, box.x1, box.y1, box.x2, box.y2]
            }
            let shares = map.alignedRegions(
                Tensor(numbers, shape: [regions.count, 5]), size: MaskHead.maskSize, scale: 1
            ).floats()
            for (place, region) in regions.enumerated() {
                for index in 0..<size where shares[place * size + index] >= 0.5 { targets[region * size + index] = 1 }
            }
        }
        return targets
    }
}
