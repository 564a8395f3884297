import SelfPatchTensors

/// A mask of 28 x 28 places brought to its box's place in the picture.
///
/// The middle of a pixel is read between the middles of the mask's places, which fade to 0 beyond the outermost; half or more
/// belongs to the object. Pixels further from the box than one are never set.
///
/// Source: `FCNMaskHead.get_seg_masks` of mmdetection.
package struct PastedMask: Sendable {
    /// Pixel rows of the picture that were looked at.
    package let rows: Range<Int>
    package let columns: Range<Int>
    /// `[rows, columns]`, 1 where the object is.
    package let bits: [UInt8]

    /// - Parameters:
    ///   - mask: `[size, size]`, in 0...1.
    ///   - height: of the picture.
    ///   - width: of the picture.
    package init(_ mask: [Float], size: Int = MaskHead.maskSize, in box: Box, height: Int, width: Int) {
        precondition(mask.count == size * size, "\(mask.count) places for a mask of \(size) x \(size)")
        guard box.width > 0, box.height > 0 else {
            (rows, columns, bits) = (0..<0, 0..<0, [])
            return
        }
        func reach(_ first: Float, _ last: Float, _ length: Int) -> Range<Int> {
            let low = Int(min(max(first.rounded(.down) - 1, 0), Float(length)))
            let high = Int(min(max(last.rounded(.up) + 1, 0), Float(length)))
            return low..<max(low, high)
        }
        rows = reach(box.y1, box.y2, height)
        columns = reach(box.x1, box.x2, width)
        let across = columns.map { Self.reading(of: $0, from: box.x1, extent: box.width, size: size) }
        var bits = [UInt8](repeating: 0, count: rows.count * columns.count)
        // The mask with a border of 0, so that reading beyond it needs no question.
        let side = size + 2
        var bordered = [Float](repeating: 0, count: side * side)
        for row in 0..<size {
            for column in 0..<size { bordered[(row + 1) * side + column + 1] = mask[row * size + column] }
        }
        var line = [Float](repeating: 0, count: side)
        for (place, row) in rows.enumerated() {
            let down = Self.reading(of: row, from: box.y1, extent: box.height, size: size)
            let (upper, lower) = (down.low * side, (down.low + 1) * side)
            for column in 0..<side {
                line[column] = bordered[upper + column] * (1 - down.share) + bordered[lower + column] * down.share
            }
            let start = place * columns.count
            for (column, reading) in across.enumerated() {
                let value = line[reading.low] * (1 - reading.share) + line[reading.low + 1] * reading.share
                bits[start + column] = value >= 0.5 ? 1 : 0
            }
        }
        self.bits = bits
    }

    /// The bordered mask's place before a pixel's middle, and the share of the one behind.
    private static func reading(of pixel: Int, from start: Float, extent: Float, size: Int) -> (low: Int, share: Float)
    {
        let place = (Float(pixel) + 0.5 - start) / extent * Float(size) - 0.5
        let bordered = min(max(place + 1, 0), Float(size + 1))
        let low = min(Int(bordered), size)
        return (low, bordered - Float(low))
    }

    /// The mask of a whole picture, `[height, width]`.
    package func bitmap(height: Int, width: Int) -> [UInt8] {
        var bitmap = [UInt8](repeating: 0, count: height * width)
        for (place, row) in rows.enumerated() {
            bitmap.replaceSubrange(
                row * width + columns.lowerBound..<row * width + columns.upperBound,
                with: bits[place * columns.count..<(place + 1) * columns.count])
        }
        return bitmap
    }
}
