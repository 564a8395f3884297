import CSelfPatchPixels

/// The one view of an image that features are taken from: resized until it is 8/7 of the view, then its middle.
///
/// For the field's 224 pixels that is a shorter side of 256. A view need not be square: the picture is then resized until
/// both of its sides reach 8/7 of the view's. The resizing is the augmentation's (bicubic, antialiased).
public struct CenterView: Sendable {
    public let size: ViewSize

    public init(_ size: ViewSize) {
        self.size = size
    }

    /// What an image of some size is resized to before its middle is taken.
    package func resizedSize(height: Int, width: Int) -> ViewSize {
        precondition(height > 0 && width > 0, "an image of \(height) x \(width)")
        // In whole numbers: which side decides is which has the larger (8 view / 7) / side.
        if size.height * width >= size.width * height {
            let target = Self.widened(size.height)
            return ViewSize(height: target, width: max(size.width, width * target / height))
        }
        let target = Self.widened(size.width)
        return ViewSize(height: max(size.height, height * target / width), width: target)
    }

    /// The view as an interleaved picture, to be looked at.
    public func picture(of image: Pixels, scratch: ViewScratch = ViewScratch()) -> Pixels {
        let planes = planes(of: image, scratch: scratch)
        let bytes = [UInt8](unsafeUninitializedCapacity: planes.count) { bytes, count in
            px_from_planes(planes, size.pixels, Int32(image.channels), bytes.baseAddress)
            count = planes.count
        }
        return Pixels(height: size.height, width: size.width, channels: image.channels, bytes: bytes)
    }

    /// The view as planes `[channels, height, width]`, bytes in 0...255.
    ///
    /// - Parameter scratch: memory to use again for the next image.
    public func planes(of image: Pixels, scratch: ViewScratch = ViewScratch()) -> [UInt8] {
        let whole = resizedSize(height: image.height, width: image.width)
        let resized = image.resized(to: whole, scratch: scratch)
        let (top, left) = offset(in: whole)
        var planes: [UInt8] = []
        planes.reserveCapacity(image.channels * size.pixels)
        for channel in 0..<image.channels {
            for row in 0..<size.height {
                let start = (channel * whole.height + top + row) * whole.width + left
                planes += resized[start..<start + size.width]
            }
        }
        return planes
    }

    /// The same part of a map of labels, one byte a pixel: the nearest label, nothing is mixed.
    package func labels(of map: Pixels) -> [UInt8] {
        precondition(map.channels == 1, "labels with \(map.channels) channels")
        let whole = resizedSize(height: map.height, width: map.width)
        let (top, left) = offset(in: whole)
        return map.nearest(in: whole, rows: top..<top + size.height, columns: left..<left + size.width)
    }

    /// The middle, rounded as the field's tools do: halves to the even number.
    private func offset(in whole: ViewSize) -> (top: Int, left: Int) {
        func half(_ difference: Int) -> Int { Int((Double(difference) / 2).rounded(.toNearestOrEven)) }
        return (half(whole.height - size.height), half(whole.width - size.width))
    }

    private static func widened(_ side: Int) -> Int { Int((Double(side) * 8 / 7).rounded()) }
}

extension Pixels {
    /// Resizes the whole picture (bicubic, antialiased) into planes `[channels, height, width]`.
    package func resized(to size: ViewSize, scratch: ViewScratch) -> [UInt8] {
        let room = scratch.room(
            for: px_resize_scratch(
                Int32(height), Int32(width), Int32(channels), Int32(size.height), Int32(size.width)))
        return [UInt8](unsafeUninitializedCapacity: channels * size.pixels) { planes, count in
            bytes.withUnsafeBufferPointer { source in
                px_resize(
                    source.baseAddress, width * channels, Int32(height), Int32(width), Int32(channels), 0,
                    planes.baseAddress, Int32(size.height), Int32(size.width), room)
            }
            count = channels * size.pixels
        }
    }

    /// Of a map of labels resized to `size` the given part, each pixel with the label nearest to its middle.
    package func nearest(in size: ViewSize, rows: Range<Int>, columns: Range<Int>) -> [UInt8] {
        precondition(channels == 1, "labels with \(channels) channels")
        var result: [UInt8] = []
        result.reserveCapacity(rows.count * columns.count)
        for row in rows {
            let sourceRow = (2 * row + 1) * height / (2 * size.height)
            for column in columns {
                result.append(bytes[sourceRow * width + (2 * column + 1) * width / (2 * size.width)])
            }
        }
        return result
    }
}
