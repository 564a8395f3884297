import Foundation
import SelfPatchTensors

/// How a box differs from another, in numbers that a network can learn: the shift of its middle in shares of the other's
/// sides, and the logarithms of the sides' ratios, each divided by a typical deviation.
///
/// Source: Girshick et al. 2014; `DeltaXYWHBBoxCoder` of mmdetection, which bounds the logarithms on both sides.
package struct BoxCoder: Sendable {
    /// Of x, y, width, height.
    package let deviations: SIMD4<Float>

    package init(deviations: SIMD4<Float>) { self.deviations = deviations }

    /// Of proposals against anchors.
    package static let proposals = BoxCoder(deviations: [1, 1, 1, 1])
    /// Of detections against proposals.
    package static let detections = BoxCoder(deviations: [0.1, 0.1, 0.2, 0.2])

    /// A side can grow or shrink by a factor of 62.5.
    private static let largestLogarithm: Float = 4.135_166_556_742_356

    /// What turns `box` into `target`.
    package func encode(_ target: Box, from box: Box) -> SIMD4<Float> {
        let delta = SIMD4(
            ((target.x1 + target.x2) * 0.5 - (box.x1 + box.x2) * 0.5) / box.width,
            ((target.y1 + target.y2) * 0.5 - (box.y1 + box.y2) * 0.5) / box.height,
            log(target.width / box.width), log(target.height / box.height))
        return delta / deviations
    }

    /// The box that a delta makes of another.
    package func decode(_ delta: SIMD4<Float>, from box: Box) -> Box {
        let delta = delta * deviations
        let limit = Self.largestLogarithm
        let x = (box.x1 + box.x2) * 0.5 + box.width * delta.x
        let y = (box.y1 + box.y2) * 0.5 + box.height * delta.y
        let width = box.width * exp(min(max(delta.z, -limit), limit))
        let height = box.height * exp(min(max(delta.w, -limit), limit))
        return Box(x - width * 0.5, y - height * 0.5, x + width * 0.5, y + height * 0.5)
    }
}

extension Tensor {
    /// `[boxes, 4]` as deltas of `BoxCoder`.
    func deltas() -> [SIMD4<Float>] { boxes().map { SIMD4($0.x1, $0.y1, $0.x2, $0.y2) } }

    /// Deltas as `[boxes, 4]`.
    convenience init(_ deltas: [SIMD4<Float>]) {
        self.init(deltas.flatMap { [$0.x, $0.y, $0.z, $0.w] }, shape: [deltas.count, 4])
    }
}
