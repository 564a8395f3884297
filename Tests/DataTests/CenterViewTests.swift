import SelfPatchData
import Testing

@Suite struct CenterViewTests {
    /// What the field's tools do for square views: the shorter side to 8/7, the longer one cut to a whole number.
    @Test(arguments: [
        (224, 500, 375, 341, 256), (224, 375, 500, 256, 341), (224, 160, 160, 256, 256), (48, 160, 120, 73, 55),
        (96, 96, 96, 110, 110), (32, 7, 7000, 37, 37000),
    ])
    func shorterSideBecomesEightSevenths(view: Int, height: Int, width: Int, newHeight: Int, newWidth: Int) {
        let size = CenterView(ViewSize(square: view)).resizedSize(height: height, width: width)
        #expect(size == ViewSize(height: newHeight, width: newWidth))
    }

    @Test func bothSidesOfAnOblongViewAreCovered() {
        for (height, width) in [(30, 400), (400, 30), (100, 100), (1, 1), (64, 96)] {
            let view = ViewSize(height: 32, width: 64)
            let size = CenterView(view).resizedSize(height: height, width: width)
            #expect(size.height >= view.height && size.width >= view.width, "\(height) x \(width): \(size)")
            #expect(size.height == 37 || size.width == 73)
        }
    }

    /// Left half black, right half white: so is the view, with its border in its middle.
    @Test func theMiddleIsTaken() {
        let (height, width) = (90, 200)
        let bytes = (0..<height * width).flatMap { [UInt8](repeating: $0 % width < width / 2 ? 0 : 255, count: 3) }
        let view = CenterView(ViewSize(square: 64))
        let picture = view.picture(of: Pixels(height: height, width: width, channels: 3, bytes: bytes))
        #expect(picture.height == 64 && picture.width == 64)
        for row in 0..<64 {
            for column in 0..<64 where abs(column - 32) > 4 {
                #expect(picture.bytes[(row * 64 + column) * 3] == (column < 32 ? 0 : 255))
            }
        }
    }

    @Test func planesAndPictureHoldTheSamePixels() {
        let image = SceneGenerator(seed: 1).scene(4).pixels
        let view = CenterView(ViewSize(height: 40, width: 56))
        let planes = view.planes(of: image, scratch: ViewScratch())
        let picture = view.picture(of: image)
        #expect(planes.count == 3 * 40 * 56)
        for pixel in 0..<40 * 56 {
            for channel in 0..<3 { #expect(planes[channel * 40 * 56 + pixel] == picture.bytes[pixel * 3 + channel]) }
        }
    }

    @Test func labelsStayWhereTheirPixelsAre() {
        let scene = SceneGenerator(seed: 2).scene(7)
        let map = Pixels(height: 96, width: 96, channels: 1, bytes: scene.mask)
        let view = CenterView(ViewSize(square: 84))
        // 84 * 8/7 = 96: nothing is resized, only the border goes.
        let labels = view.labels(of: map)
        for row in 0..<84 {
            for column in 0..<84 { #expect(labels[row * 84 + column] == scene.mask[(row + 6) * 96 + column + 6]) }
        }
        #expect(Set(CenterView(ViewSize(square: 30)).labels(of: map)).isSubset(of: Set(scene.mask)))
    }

    @Test func nearestLabelOfAnEnlargedMap() {
        let map = Pixels(height: 1, width: 3, channels: 1, bytes: [5, 6, 7])
        let labels = map.nearest(in: ViewSize(height: 2, width: 6), rows: 0..<2, columns: 0..<6)
        #expect(labels == [5, 5, 6, 6, 7, 7, 5, 5, 6, 6, 7, 7])
    }
}
