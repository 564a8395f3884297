import Foundation
import SelfPatchTensors

/// What the mask head should say of a region: its object's mask, read like a map of features in 28 x 28 places, at least half
/// full or not.
///
/// Reading means the means of samples between pixels, at most a pixel apart (`Tensor.alignedRegions` with scale 1). A sample's weights
/// are those of its row times those of its column, so the mask is first summed over rows, then over columns.
///
/// Source: `BitmapMasks.crop_and_resize` of mmdetection.
package struct MaskTargets {
    /// Pixels that a place reads along one side, with their weights, and how many samples that were.
    private struct Reading {
        let pixels: [(index: Int, weight: Float)]
    }

    /// - Parameters:
    ///   - mask: `[height, width]`, 1 where the object is.
    ///   - box: within the picture.
    ///   - paddedHeight: of the picture with what was filled up with 0 below and to the right.
    ///   - paddedWidth: alike.
    /// - Returns: `[28, 28]`, 0 or 1.
    package static func target(
        of mask: [UInt8], height: Int, width: Int, paddedHeight: Int, paddedWidth: Int, in box: Box
    ) -> [Float] {
        precondition(mask.count == height * width, "\(mask.count) pixels for a mask of \(height) x \(width)")
        let size = MaskHead.maskSize
        let box = box.clipped(height: Float(paddedHeight), width: Float(paddedWidth))
        let (rows, rowSamples) = readings(from: box.y1, to: box.y2, length: paddedHeight)
        let (columns, columnSamples) = readings(from: box.x1, to: box.x2, length: paddedWidth)
        let samples = Float(max(rowSamples * columnSamples, 1))
        var target = [Float](repeating: 0, count: size * size)
        var sums = [Float](repeating: 0, count: width)
        for (row, reading) in rows.enumerated() {
            for index in sums.indices { sums[index] = 0 }
            for (pixel, weight) in reading.pixels where pixel < height {
                for column in 0..<width where mask[pixel * width + column] != 0 { sums[column] += weight }
            }
            for (column, reading) in columns.enumerated() {
                var sum: Float = 0
                for (pixel, weight) in reading.pixels where pixel < width { sum += weight * sums[pixel] }
                target[row * size + column] = sum / samples >= 0.5 ? 1 : 0
            }
        }
        return target
    }

    /// What each of the 28 places reads of a side of the picture, and the samples of a place.
    private static func readings(from first: Float, to last: Float, length: Int) -> (readings: [Reading], samples: Int)
    {
        let size = MaskHead.maskSize
        let start = first - 0.5
        let extent = (last - 0.5) - start
        let place = extent / Float(size)
        let count = Int(max(place.rounded(.up), 0))
        let readings = (0..<size).map { index in
            Reading(
                pixels: (0..<count).flatMap { sample -> [(index: Int, weight: Float)] in
                    let at = start + Float(index) * place + (Float(sample) + 0.5) * place / Float(count)
                    guard at >= -1, at <= Float(length) else { return [] }
                    let inside = max(at, 0)
                    let low = Int(inside)
                    guard low < length - 1 else { return [(length - 1, 1)] }
                    let share = inside - Float(low)
                    return [(low, 1 - share), (low + 1, share)]
                })
        }
        return (readings, count)
    }
}
