import SelfPatchTensors

/// A picture as a detector gets it, and where its objects are in it.
package struct DetectionPicture: Equatable, Sendable {
    package let size: ViewSize
    /// `[channels, height, width]`
    package let planes: [UInt8]
    /// Pixels for each of the picture before resizing.
    package let factors: (x: Float, y: Float)
    package let boxes: [Box]
    /// Of each object, from 0.
    package let classes: [Int]
    /// Of each object `[height, width]`, 1 where it is; nil where masks were not asked for.
    package let masks: [[UInt8]]?

    package static func == (a: DetectionPicture, b: DetectionPicture) -> Bool {
        (a.size, a.planes, a.boxes, a.classes) == (b.size, b.planes, b.boxes, b.classes) && a.factors == b.factors
            && a.masks == b.masks
    }
}

/// Flips, resizes and cuts a picture with its objects by what its key says.
///
/// A flipped picture is either resized to one of several sizes, or to a smaller one, cut, and resized then. Boxes go along and
/// end at the picture's border; an object whose box is cut off wholly is gone. Pictures are resized as OpenCV does (bilinear); a pixel
/// of a resized mask is what the mask is at its middle.
///
/// Source: the authors' training pipeline for COCO, which is that of DETR, in mmdetection.
package struct DetectionView: Sendable {
    package let settings: DetectionViewSettings
    /// Whether pictures come with their objects' masks.
    package let masks: Bool

    package init(_ settings: DetectionViewSettings, masks: Bool) {
        self.settings = settings
        self.masks = masks
    }

    /// For training.
    package func picture(of sample: DetectionSample, key: SampleKey) -> DetectionPicture {
        var generator = key.generator(view: 0)
        var work = Work(sample, masks: masks)
        if generator.chance(settings.flip) { work.flip() }
        if generator.chance(settings.crop) {
            resize(&work, shortSide: Self.one(of: settings.cropShortSides, &generator))
            work.cut(Self.part(of: work.size, sides: settings.cropSides, &generator))
        }
        resize(&work, shortSide: Self.one(of: settings.shortSides, &generator))
        return work.picture(of: sample)
    }

    /// For use: resized alone, without objects.
    package func picture(of image: Pixels) -> DetectionPicture {
        let sample = DetectionSample(image: image, objects: [])
        var work = Work(sample, masks: false)
        resize(&work, shortSide: settings.useShortSide)
        return work.picture(of: sample)
    }

    private func resize(_ work: inout Work, shortSide: Int) {
        work.resize(to: work.size.scaled(shortSide: Double(shortSide), longSide: Double(settings.longSide)))
    }

    private static func one(of lengths: [Int], _ generator: inout KeyedGenerator) -> Int {
        lengths[generator.integer(below: lengths.count)]
    }

    private static func part(
        of size: ViewSize, sides: ClosedRange<Int>, _ generator: inout KeyedGenerator
    ) -> (rows: Range<Int>, columns: Range<Int>) {
        func side(_ length: Int) -> Int {
            let (least, most) = (min(length, sides.lowerBound), min(length, sides.upperBound))
            return least + generator.integer(below: most - least + 1)
        }
        let (height, width) = (side(size.height), side(size.width))
        let top = generator.integer(below: size.height - height + 1)
        let left = generator.integer(below: size.width - width + 1)
        return (top..<top + height, left..<left + width)
    }

    /// A picture under way, with its objects.
    private struct Work {
        private var image: Pixels
        private var boxes: [Box]
        /// Places of the objects in the sample that are still there.
        private var members: [Int]
        private let masks: Bool
        private var factors: (x: Float, y: Float) = (1, 1)
        /// For each row and column the one of the sample's picture that a mask is read from.
        private var rows: [Int]
        private var columns: [Int]

        init(_ sample: DetectionSample, masks: Bool) {
            image = sample.image
            boxes = sample.objects.map(\.box.corners)
            members = Array(boxes.indices)
            self.masks = masks
            rows = Array(0..<image.height)
            columns = Array(0..<image.width)
        }

        var size: ViewSize { ViewSize(height: image.height, width: image.width) }

        mutating func flip() {
            let width = Float(image.width)
            boxes = boxes.map { Box(width - $0.x2, $0.y1, width - $0.x1, $0.y2) }
            image = image.flipped()
            columns.reverse()
        }

        mutating func resize(to size: ViewSize) {
            let former = self.size
            factors = (Float(size.width) / Float(former.width), Float(size.height) / Float(former.height))
            place(boxes.map { $0.scaled(x: factors.x, y: factors.y) }, within: size)
            guard size != former else { return }
            image = Pixels(planes: image.resizedLinear(to: size), size: size)
            func read(_ places: [Int], _ count: Int) -> [Int] {
                (0..<count).map { places[(2 * $0 + 1) * places.count / (2 * count)] }
            }
            rows = read(rows, size.height)
            columns = read(columns, size.width)
        }

        mutating func cut(_ part: (rows: Range<Int>, columns: Range<Int>)) {
            let (x, y) = (Float(part.columns.lowerBound), Float(part.rows.lowerBound))
            place(
                boxes.map { Box($0.x1 - x, $0.y1 - y, $0.x2 - x, $0.y2 - y) },
                within: ViewSize(height: part.rows.count, width: part.columns.count))
            image = image.part(rows: part.rows, columns: part.columns)
            rows = Array(rows[part.rows])
            columns = Array(columns[part.columns])
        }

        /// Objects go on with these boxes, cut off at the border; those of which nothing is left are gone.
        private mutating func place(_ moved: [Box], within size: ViewSize) {
            let clipped = moved.map { $0.clipped(height: Float(size.height), width: Float(size.width)) }
            let kept = clipped.indices.filter { clipped[$0].width > 0 && clipped[$0].height > 0 }
            boxes = kept.map { clipped[$0] }
            members = kept.map { members[$0] }
        }

        func picture(of sample: DetectionSample) -> DetectionPicture {
            let objects = members.map { sample.objects[$0] }
            return DetectionPicture(
                size: size, planes: image.planes, factors: factors, boxes: boxes, classes: objects.map(\.classIndex),
                masks: masks ? objects.map { mask(of: $0, width: sample.image.width) } : nil)
        }

        private func mask(of object: DetectionObject, width: Int) -> [UInt8] {
            guard let bitmap = object.mask?.bitmap else {
                preconditionFailure("annotation \(object.id) has no mask, and masks were asked for")
            }
            var mask: [UInt8] = []
            mask.reserveCapacity(size.pixels)
            for row in rows { for column in columns { mask.append(bitmap[row * width + column]) } }
            return mask
        }
    }
}

extension DetectionBox {
    /// The same by its corners, not clipped to the picture.
    fileprivate var corners: Box { Box(Float(x), Float(y), Float(x + width), Float(y + height)) }
}
