import SelfPatchData
import SelfPatchTensors
import Testing

/// Pictures with objects: filled rectangles, each with its own mask.
@Suite struct DetectionViewTests {
    private static let size = ViewSize(height: 90, width: 130)

    private static func object(_ id: Int, rows: Range<Int>, columns: Range<Int>) -> DetectionObject {
        var bitmap = [UInt8](repeating: 0, count: size.pixels)
        for row in rows { for column in columns { bitmap[row * size.width + column] = 1 } }
        let mask = RunLengthMask(bitmap: bitmap, height: size.height, width: size.width)
        return DetectionObject(
            id: id, classIndex: id % 3,
            box: DetectionBox(
                x: Double(columns.lowerBound), y: Double(rows.lowerBound), width: Double(columns.count),
                height: Double(rows.count)), area: Double(rows.count * columns.count), mask: mask)
    }

    private static let sample: DetectionSample = {
        let objects = [
            object(1, rows: 10..<40, columns: 20..<60), object(2, rows: 50..<90, columns: 0..<30),
            object(3, rows: 0..<20, columns: 100..<130),
        ]
        // Each object is as bright as nothing else, so that it can be found again.
        var bytes = [UInt8](repeating: 0, count: 3 * size.pixels)
        for (number, object) in objects.enumerated() {
            for (place, bit) in (object.mask?.bitmap ?? []).enumerated() where bit != 0 {
                bytes[3 * place + number] = 200
            }
        }
        return DetectionSample(
            image: Pixels(height: size.height, width: size.width, channels: 3, bytes: bytes), objects: objects)
    }()

    private static var settings: DetectionViewSettings {
        var settings = DetectionViewSettings()
        settings.shortSides = [64, 96, 150]
        settings.cropShortSides = [80, 100]
        settings.cropSides = 60...90
        settings.longSide = 240
        return settings
    }

    private static func key(_ index: Int) -> SampleKey { SampleKey(seed: 5, epoch: 1, index: index) }

    @Test func objectsStayWhereTheirPixelsAre() throws {
        let view = DetectionView(Self.settings, masks: true)
        var cut = 0
        for index in 0..<200 {
            let picture = view.picture(of: Self.sample, key: Self.key(index))
            let (height, width) = (picture.size.height, picture.size.width)
            let masks = try #require(picture.masks)
            #expect(picture.boxes.count == masks.count && picture.classes.count == masks.count)
            #expect(picture.planes.count == 3 * picture.size.pixels)
            if masks.count < 3 { cut += 1 }
            for (number, (box, mask)) in zip(picture.boxes, masks).enumerated() {
                // The class says which of the three it was: 1, 2, 0.
                let channel = (picture.classes[number] + 2) % 3
                #expect(box.x1 >= 0 && box.y1 >= 0 && box.x2 <= Float(width) && box.y2 <= Float(height))
                #expect(box.width > 0 && box.height > 0)
                for row in 0..<height {
                    for column in 0..<width {
                        let level = picture.planes[channel * picture.size.pixels + row * width + column]
                        let isInside = mask[row * width + column] != 0
                        // Resized levels are mixed at the object's border alone, over the width of a pixel there.
                        if level == 200 || level == 0 {
                            #expect(isInside == (level == 200), "\(index) \(number) \(row) \(column)")
                        }
                        let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
                        let isFarOutside = x < box.x1 - 1.5 || x > box.x2 + 1.5 || y < box.y1 - 1.5 || y > box.y2 + 1.5
                        let isDeepInside = x > box.x1 + 1.5 && x < box.x2 - 1.5 && y > box.y1 + 1.5 && y < box.y2 - 1.5
                        if isFarOutside { #expect(!isInside) }
                        if isDeepInside { #expect(isInside) }
                    }
                }
            }
        }
        #expect(cut > 0, "some crops leave an object out")
    }

    @Test func theKeyDecidesEverything() {
        let view = DetectionView(Self.settings, masks: true)
        let pictures = (0..<20).map { view.picture(of: Self.sample, key: Self.key($0)) }
        for (index, picture) in pictures.enumerated().reversed() {
            #expect(view.picture(of: Self.sample, key: Self.key(index)) == picture)
        }
        #expect(Set(pictures.map { $0.size }).count > 5)
    }

    @Test func withoutCutsEveryObjectStays() {
        var settings = Self.settings
        settings.crop = 0
        settings.flip = 1
        let view = DetectionView(settings, masks: false)
        for index in 0..<20 {
            let picture = view.picture(of: Self.sample, key: Self.key(index))
            #expect(picture.masks == nil && picture.classes == [1, 2, 0])
            let first = picture.boxes[0]
            let x = (Float(130 - 60) * picture.factors.x, Float(130 - 20) * picture.factors.x)
            #expect((first.x1, first.x2) == x, "the flipped picture has its columns in reverse")
        }
    }

    /// Of a box that ends at the border, rounding may leave nothing; what has no width has no middle to learn.
    @Test func anObjectOfWhichNothingIsLeftIsGone() {
        let sliver = DetectionObject(
            id: 9, classIndex: 2, box: DetectionBox(x: 129.999_999_99, y: 10, width: 5, height: 10), area: 50)
        let sample = DetectionSample(image: Self.sample.image, objects: [sliver] + Self.sample.objects)
        var settings = Self.settings
        settings.crop = 0
        let view = DetectionView(settings, masks: false)
        for index in 0..<10 {
            let picture = view.picture(of: sample, key: Self.key(index))
            #expect(picture.boxes.count == 3 && picture.classes == [1, 2, 0])
            #expect(picture.boxes.allSatisfy { $0.width > 0 && $0.height > 0 })
        }
    }

    @Test func settingsThatCannotBeAreRefused() {
        func refuses(_ change: (inout DetectionViewSettings) -> Void) -> Bool {
            var settings = DetectionViewSettings()
            change(&settings)
            return (try? settings.validate()) == nil
        }
        #expect(!refuses { _ in })
        #expect(refuses { $0.shortSides = [] })
        #expect(refuses { $0.shortSides = [8] })
        #expect(refuses { $0.longSide = 700 })
        #expect(refuses { $0.flip = 1.5 })
        #expect(refuses { $0.cropSides = 10...600 })
    }
}
