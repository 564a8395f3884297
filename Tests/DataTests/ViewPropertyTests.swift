import SelfPatchData
import SelfPatchTensors
import Testing

/// Laws of the augmentation that hold for any picture.
struct ViewPropertyTests {
    static func image(height: Int, width: Int, channels: Int = 3, seed: UInt64 = 0) -> Pixels {
        var generator = KeyedGenerator(seed)
        let bytes = (0..<height * width * channels).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        return Pixels(height: height, width: width, channels: channels, bytes: bytes)
    }

    /// The same picture as planes.
    static func planes(_ image: Pixels) -> [UInt8] {
        (0..<image.channels).flatMap { channel in
            stride(from: channel, to: image.bytes.count, by: image.channels).map { image.bytes[$0] }
        }
    }

    let multiCrop = MultiCrop(MultiCropSettings())

    @Test(arguments: [1, 2, 3, 4]) func cropOfTheViewsSizeIsCopied(channels: Int) {
        let image = Self.image(height: 37, width: 53, channels: channels)
        let whole = ViewRecipe(box: CropBox(top: 0, left: 0, height: 37, width: 53))
        let size = ViewSize(height: 37, width: 53)
        #expect(multiCrop.view(of: image, by: whole, size: size, scratch: ViewScratch()) == Self.planes(image))
    }

    @Test(arguments: [(1, 1), (2, 7), (31, 32), (33, 64), (97, 5)]) func flipReversesColumns(side: (Int, Int)) {
        let image = Self.image(height: 41, width: 29)
        let size = ViewSize(height: side.0, width: side.1)
        var recipe = ViewRecipe(box: CropBox(top: 3, left: 1, height: 33, width: 27))
        let straight = multiCrop.view(of: image, by: recipe, size: size, scratch: ViewScratch())
        recipe.isFlipped = true
        let flipped = multiCrop.view(of: image, by: recipe, size: size, scratch: ViewScratch())
        let rows = stride(from: 0, to: straight.count, by: size.width)
        #expect(flipped == rows.flatMap { straight[$0..<$0 + size.width].reversed() })
    }

    @Test func pixelsOutsideTheBoxAreNotRead() {
        var image = Self.image(height: 60, width: 70)
        let box = CropBox(top: 11, left: 13, height: 30, width: 40)
        let recipe = ViewRecipe(box: box)
        let size = ViewSize(square: 17)
        let before = multiCrop.view(of: image, by: recipe, size: size, scratch: ViewScratch())
        for y in 0..<60 {
            for x in 0..<70 where !(11..<41).contains(y) || !(13..<53).contains(x) {
                for channel in 0..<3 { image.bytes[(y * 70 + x) * 3 + channel] ^= 255 }
            }
        }
        #expect(multiCrop.view(of: image, by: recipe, size: size, scratch: ViewScratch()) == before)
    }

    @Test func flatPicturesStayFlat() {
        let image = Pixels(height: 50, width: 60, channels: 1, bytes: [UInt8](repeating: 173, count: 3000))
        var recipe = ViewRecipe(box: CropBox(top: 2, left: 3, height: 41, width: 47))
        recipe.blurRadius = 1.7
        let view = multiCrop.view(of: image, by: recipe, size: ViewSize(height: 96, width: 21), scratch: ViewScratch())
        #expect(view.allSatisfy { $0 == 173 })
    }

    @Test func viewsDependOnTheKeyAlone() {
        let image = Self.image(height: 120, width: 90)
        let key = SampleKey(seed: 5, epoch: 2, index: 17)
        let views = multiCrop.views(of: image, key: key)
        #expect(views == multiCrop.views(of: image, key: key))
        #expect(views.map(\.count) == [150_528, 150_528] + [Int](repeating: 27_648, count: 8))
        #expect(views[0] != views[1])
        for other in [(6, 2, 17), (5, 3, 17), (5, 2, 18)] {
            let key = SampleKey(seed: UInt64(other.0), epoch: other.1, index: other.2)
            #expect(multiCrop.views(of: image, key: key) != views)
        }
    }

    @Test func fewerLocalViewsChangeNoOther() {
        let image = Self.image(height: 120, width: 90)
        let key = SampleKey(seed: 5, epoch: 2, index: 17)
        var settings = MultiCropSettings()
        let all = MultiCrop(settings).views(of: image, key: key)
        for count in [0, 1, 3] {
            settings.localCount = count
            #expect(MultiCrop(settings).views(of: image, key: key) == Array(all[0..<2 + count]))
        }
    }

    @Test(arguments: [(1, 1), (1, 400), (400, 1), (3, 2), (700, 20)])
    func anyImageGivesViews(side: (Int, Int)) {
        var settings = MultiCropSettings()
        settings.globalSize = ViewSize(height: 30, width: 50)
        settings.localSize = ViewSize(height: 1, width: 3)
        let image = Self.image(height: side.0, width: side.1)
        for index in 0..<40 {
            let views = MultiCrop(settings).views(of: image, key: SampleKey(seed: 0, epoch: 0, index: index))
            #expect(views.map(\.count) == [4500, 4500] + [Int](repeating: 9, count: 8))
        }
    }

    @Test(arguments: [2, 4, 7]) func otherChannelsKeepTheirLevels(channels: Int) {
        var settings = MultiCropSettings()
        settings.mean = [Double](repeating: 0.5, count: channels)
        settings.deviation = settings.mean
        // No channel of a flat picture may change, whatever the colors of the draw.
        let level = (0..<channels).map { UInt8(20 + 30 * $0) }
        let image = Pixels(
            height: 20, width: 20, channels: channels, bytes: (0..<400).flatMap { _ in level })
        for index in 0..<20 {
            for view in MultiCrop(settings).views(of: image, key: SampleKey(seed: 0, epoch: 0, index: index)) {
                let pixels = view.count / channels
                #expect(
                    (0..<channels).allSatisfy { c in view[c * pixels..<(c + 1) * pixels].allSatisfy { $0 == level[c] } }
                )
            }
        }
    }

    @Test func oneChannelChangesBrightnessAndContrast() {
        let image = Self.image(height: 40, width: 40, channels: 1)
        var recipe = ViewRecipe(box: CropBox(top: 0, left: 0, height: 40, width: 40))
        recipe.jitter = ColorJitter(
            order: ColorJitter.Part.allCases, brightness: 1, contrast: 1, saturation: 0.5, hue: 0.3)
        recipe.isGreyscale = true
        let size = ViewSize(square: 40)
        #expect(multiCrop.view(of: image, by: recipe, size: size, scratch: ViewScratch()) == image.bytes)
        recipe.jitter?.brightness = 0.5
        let halved = multiCrop.view(of: image, by: recipe, size: size, scratch: ViewScratch())
        #expect(halved == image.bytes.map { $0 / 2 })
    }
}
