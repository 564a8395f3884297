import SelfPatchData
import SelfPatchTensors

/// Between masks of pixels and labels of patches.
package enum PropagatedMask {
    /// The labels of a first frame's patches: the mask reduced to the grid by nearest neighbour, one column for each number.
    ///
    /// - Parameter mask: one channel, numbers of objects.
    /// - Returns: `[patches, objects]` of 0 and 1, background first, up to the largest number that is left in the reduced mask.
    package static func labels(of mask: Pixels, grid: Grid) -> Tensor {
        let small = mask.resizedLabels(to: ViewSize(height: grid.rows, width: grid.columns)).bytes
        let objects = Int(small.max() ?? 0) + 1
        var labels = [Float](repeating: 0, count: small.count * objects)
        for (place, number) in small.enumerated() { labels[place * objects + Int(number)] = 1 }
        return Tensor(labels, shape: [grid.count, objects])
    }

    /// The object at each pixel: shares are enlarged bilinearly, those of each object that is somewhere at all are stretched to
    /// 0...1, and the largest wins, of equal ones the lower number.
    ///
    /// Source: `norm_mask` and what surrounds it in the authors' eval_video_segmentation.py. An object whose share is the same
    /// everywhere, and not 0, divides 0 by 0 there, and wins; so it does here.
    ///
    /// - Parameter shares: `[patches, objects]`.
    /// - Returns: one channel, of the whole patches' size.
    package static func map(of shares: Tensor, grid: Grid, patchSize: Int) -> Pixels {
        let size = Grid(rows: grid.rows * patchSize, columns: grid.columns * patchSize)
        let image = shares.transposed(0, 1).reshaped(to: [1, shares.size(1), grid.rows, grid.columns])
            .resizedBilinear(to: size).selected(0, dimension: 0)
        let least = image.min(over: 1, 2, keeping: true)
        let most = image.max(over: 1, 2, keeping: true)
        let range = most - least
        let level = image.filled(where: most > 0, with: .infinity)
        let stretched = Tensor.choose(range > 0, (image - least) / range, level)
        return Pixels(
            height: size.rows, width: size.columns, channels: 1,
            bytes: stretched.argMax(over: 0).cast(to: .uint8).bytes())
    }
}
