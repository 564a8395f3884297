import Foundation
import SelfPatchTensors

/// What the pyramid's maps show inside boxes: each box is read from the map whose places suit its size.
///
/// Source: Lin et al. 2017, equation 1; `SingleRoIExtractor` of mmdetection.
package struct RegionFeatures {
    /// The boxes' maps: those of the pyramid's four strides.
    private static let strides = FeaturePyramid.strides
    /// Boxes with sides of less than twice so many pixels are read from the finest map.
    private static let finestSide: Float = 56

    /// The map of a box, 0 for the finest: by the root of its area, a map further for each doubling from 112 pixels on.
    package static func level(of box: Box) -> Int {
        let level = log2((box.width * box.height).squareRoot() / finestSide + 1e-6).rounded(.down)
        // The root of a negative area is no number; such boxes have nothing to read, wherever.
        return level.isNaN ? 0 : Int(min(max(level, 0), Float(strides.count - 1)))
    }

    /// A box of one of a batch's pictures.
    package struct Region: Equatable, Sendable {
        package let image: Int
        package let box: Box

        package init(image: Int, box: Box) { (self.image, self.box) = (image, box) }
    }

    /// - Parameters:
    ///   - maps: `[images, channels, rows, columns]` of strides 4 to 32, and perhaps more.
    ///   - size: places that a region is divided into, in each direction.
    /// - Returns: `[regions, channels, size, size]`
    package static func of(_ regions: [Region], in maps: [Tensor], size: Int) -> Tensor {
        let levels = regions.map { level(of: $0.box) }
        var parts: [Tensor] = []
        var order: [Int] = []
        for (level, stride) in strides.enumerated() {
            let members = regions.indices.filter { levels[$0] == level }
            guard !members.isEmpty else { continue }
            let numbers = members.flatMap { index -> [Float] in
                let box = regions[index].box
                return [Float(regions[index].image), box.x1, box.y1, box.x2, box.y2]
            }
            let boxes = Tensor(numbers, shape: [members.count, 5])
            parts.append(maps[level].alignedRegions(boxes, size: size, scale: 1 / Double(stride)))
            order += members
        }
        guard !parts.isEmpty else {
            return .zeros([0, maps[0].size(1), size, size], type: maps[0].elementType, device: maps[0].device)
        }
        // Where each region went among the parts.
        var places = [Int](repeating: 0, count: order.count)
        for (place, index) in order.enumerated() { places[index] = place }
        let joined = Tensor.concatenated(parts)
        return parts.count == 1
            ? joined : joined.rows(Tensor(places, shape: [places.count]).moved(to: joined.device))
    }
}
