import CSelfPatchTorch

/// What detectors need of boxes beside arithmetic.
extension Tensor {
    /// RoIAlign (Mask R-CNN, section 3; torchvision's `roi_align` with `aligned`): each region in `size` x `size` bins, a bin the mean
    /// of the map at points in it, bilinear between the middles of cells. Points off the map by more than a cell count as 0; a
    /// region of no size is 0, one that is not finite is NaN. The gradient goes to the map alone, the same on any number of threads.
    ///
    /// - Parameters:
    ///   - regions: `[regions, 5]`: number of the image, x1, y1, x2, y2 in the picture's pixels, corners of areas. They are read on the
    ///     CPU, wherever the map is.
    ///   - scale: the map's cells a pixel, 1/stride.
    ///   - samples: points a bin in either direction; 0: as many as it begins cells.
    /// - Returns: of `self` `[images, channels, rows, columns]`: `[regions, channels, size, size]`, float32 unless the map is float64.
    package func alignedRegions(_ regions: Tensor, size: Int, scale: Double, samples: Int = 0) -> Tensor {
        Self.make("aligned regions", self, regions) {
            sp_aligned_regions($0[0], $0[1], Int64(size), scale, Int64(samples), $1)
        }
    }

    /// Indices of the boxes to keep, best first: from the best score down, of equal ones the lower index first, a box is dropped when
    /// one kept before it in its group overlaps it by more than `overlap`.
    ///
    /// The overlap is intersection over union in float32, in the order inter / (area + area - inter), and compared as it is:
    /// equal ones stay, as do boxes without area. Boxes of other groups are never compared. On a GPU it waits for the device once.
    ///
    /// - Parameters:
    ///   - boxes: `[n, 4]` float32: x1, y1, x2, y2.
    ///   - scores: `[n]` float32; NaN comes last.
    ///   - groups: `[n]` int64, such as classes or levels; nil: all are of one.
    /// - Returns: `[kept]` int64 on the boxes' device.
    package static func nonMaximumSuppression(
        boxes: Tensor, scores: Tensor, groups: Tensor? = nil, overlap: Double
    ) -> Tensor {
        make("non-maximum suppression", boxes, scores, groups) { sp_suppression($0[0], $0[1], $0[2], overlap, $1) }
    }
}
