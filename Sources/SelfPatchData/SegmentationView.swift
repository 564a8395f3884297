import SelfPatchTensors

/// What a dense head is trained on: a part of an image and the classes of its pixels.
package struct SegmentationCrop: Equatable, Sendable {
    /// `[channels, height, width]`
    package let planes: [UInt8]
    /// `[height, width]`: class numbers, and `LabelNumbering.none`.
    package let labels: [UInt8]
}

/// Resizes, cuts, flips and recolours a labelled image, image and labels alike, by what its key says.
///
/// Source: the training pipeline for ADE20K in mmsegmentation, which the authors' segmentation uses. Images are resized as
/// OpenCV does (bilinear); a pixel of a resized label map takes the label at its middle.
package struct SegmentationView: Sendable {
    package let settings: SegmentationViewSettings
    /// What fills a crop beyond a small image, one level a channel: the mean of the data, which is 0 once normalised.
    package let background: [UInt8]

    /// - Parameter mean: of each channel, of levels in 0...1.
    package init(_ settings: SegmentationViewSettings, mean: [Double]) {
        self.settings = settings
        background = mean.map { UInt8(min(max(($0 * 255).rounded(), 0), 255)) }
    }

    /// - Parameter sample: its image has as many channels as the data's mean.
    package func crop(of sample: LabelledImage, key: SampleKey) -> SegmentationCrop {
        var generator = key.generator(view: 0)
        let scale = generator.uniform(in: settings.scale)
        let isFlipped = generator.chance(settings.flip)
        let distortion = PhotometricDistortion(settings, &generator)

        let (image, labels) = (sample.image, sample.labels)
        precondition(image.channels == background.count, "\(image.channels) channels, means of \(background.count)")
        let size = settings.resizedSize(height: image.height, width: image.width, scale: scale)
        let box = self.box(in: size, labels: labels, &generator)
        let rows = box.top..<box.top + box.height
        let columns = box.left..<box.left + box.width

        var classes = labels.nearest(in: size, rows: rows, columns: columns)
        var planes = Self.cut(
            size == ViewSize(height: image.height, width: image.width) ? image.planes : image.resizedLinear(to: size),
            of: size, rows: rows, columns: columns)
        if isFlipped {
            Self.flip(&planes, width: box.width)
            Self.flip(&classes, width: box.width)
        }
        distortion.apply(to: &planes, channels: image.channels)
        let crop = settings.crop
        guard (box.height, box.width) != (crop.height, crop.width) else {
            return SegmentationCrop(planes: planes, labels: classes)
        }
        let filled = (0..<image.channels).flatMap { channel in
            let part = Array(planes[channel * box.height * box.width..<(channel + 1) * box.height * box.width])
            return Self.padded(part, box, to: crop, with: background[channel])
        }
        return SegmentationCrop(
            planes: filled, labels: Self.padded(classes, box, to: crop, with: LabelNumbering.none))
    }

    /// A part of planes `[channels, height, width]`.
    private static func cut(_ planes: [UInt8], of size: ViewSize, rows: Range<Int>, columns: Range<Int>) -> [UInt8] {
        let channels = planes.count / size.pixels
        guard rows.count < size.height || columns.count < size.width else { return planes }
        var part: [UInt8] = []
        part.reserveCapacity(channels * rows.count * columns.count)
        for channel in 0..<channels {
            for row in rows {
                let start = (channel * size.height + row) * size.width
                part += planes[start + columns.lowerBound..<start + columns.upperBound]
            }
        }
        return part
    }

    /// One plane with more below and to the right.
    private static func padded(_ plane: [UInt8], _ box: CropBox, to size: ViewSize, with level: UInt8) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(size.pixels)
        for row in 0..<box.height {
            result += plane[row * box.width..<(row + 1) * box.width]
            result += repeatElement(level, count: size.width - box.width)
        }
        result += repeatElement(level, count: (size.height - box.height) * size.width)
        return result
    }

    /// Where the crop lies: drawn anew while one class has too much of it, ten times at most.
    private func box(in size: ViewSize, labels: Pixels, _ generator: inout KeyedGenerator) -> CropBox {
        let (height, width) = (min(settings.crop.height, size.height), min(settings.crop.width, size.width))
        func draw() -> CropBox {
            let top = generator.integer(below: size.height - height + 1)
            let left = generator.integer(below: size.width - width + 1)
            return CropBox(top: top, left: left, height: height, width: width)
        }
        var box = draw()
        guard settings.mostOfOneClass < 1 else { return box }
        for _ in 0..<10 {
            if isVaried(box, of: size, labels) { break }
            box = draw()
        }
        return box
    }

    /// Whether there are two classes at least, none with too large a share. Every pixel is looked at.
    private func isVaried(_ box: CropBox, of size: ViewSize, _ labels: Pixels) -> Bool {
        var counts = [Int](repeating: 0, count: 256)
        for label in labels.nearest(
            in: size, rows: box.top..<box.top + box.height, columns: box.left..<box.left + box.width)
        {
            counts[Int(label)] += 1
        }
        counts[Int(LabelNumbering.none)] = 0
        let sum = counts.reduce(0, +)
        let most = counts.max() ?? 0
        return most < sum && Double(most) / Double(sum) < settings.mostOfOneClass
    }

    private static func flip(_ bytes: inout [UInt8], width: Int) {
        for start in stride(from: 0, to: bytes.count, by: width) { bytes[start..<start + width].reverse() }
    }
}
