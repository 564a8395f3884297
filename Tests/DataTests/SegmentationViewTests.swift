import CSelfPatchPixels
import Foundation
import SelfPatchData
import SelfPatchFormats
import Testing

@Suite struct SegmentationViewTests {
    /// An image whose levels say which class its pixels are: 40 levels apart.
    private static func sample(height: Int, width: Int, classes: Int = 5) -> LabelledImage {
        let labels = (0..<height * width).map { place -> UInt8 in
            let (row, column) = (place / width, place % width)
            return UInt8((row / 9 + column / 13) % classes)
        }
        let pixels = labels.flatMap { [UInt8](repeating: 20 + 40 * $0, count: 3) }
        return LabelledImage(
            image: Pixels(height: height, width: width, channels: 3, bytes: pixels),
            labels: Pixels(height: height, width: width, channels: 1, bytes: labels))
    }

    private static func settings(_ change: (inout SegmentationViewSettings) -> Void = { _ in })
        -> SegmentationViewSettings
    {
        var settings = SegmentationViewSettings()
        settings.crop = ViewSize(height: 40, width: 56)
        settings.shortSide = 60
        settings.longSide = 240
        settings.distortion = 0
        change(&settings)
        return settings
    }

    private static let mean = [0.485, 0.456, 0.406]

    /// Wherever a crop's neighbourhood shows one class its label is that class: image and labels moved alike.
    @Test(arguments: 0..<12) func imageAndLabelsMoveTogether(index: Int) {
        let view = SegmentationView(Self.settings(), mean: Self.mean)
        let crop = view.crop(of: Self.sample(height: 70, width: 90), key: SampleKey(seed: 1, epoch: 0, index: index))
        #expect(crop.planes.count == 3 * 40 * 56 && crop.labels.count == 40 * 56)
        var compared = 0
        for row in 1..<39 {
            for column in 1..<55 where crop.labels[row * 56 + column] != 255 {
                let place = row * 56 + column
                let level = crop.planes[place]
                // Only where there is no edge near by: between two classes lie the levels of others.
                let around = [-57, -56, -55, -1, 1, 55, 56, 57].map { crop.planes[place + $0] }
                guard around.allSatisfy({ $0 == level }) else { continue }
                compared += 1
                #expect(Int(crop.labels[place]) == (Int(level) - 20) / 40)
            }
        }
        #expect(compared > 250)
    }

    @Test func keysDecideEverything() {
        let view = SegmentationView(Self.settings { $0.distortion = 0.5 }, mean: Self.mean)
        let sample = Self.sample(height: 70, width: 90)
        let keys = (0..<6).map { SampleKey(seed: 1, epoch: $0, index: 3) }
        let crops = keys.map { view.crop(of: sample, key: $0) }
        #expect(crops == keys.map { view.crop(of: sample, key: $0) })
        #expect(Set(crops.map(\.planes)).count == 6)
    }

    /// A flipped crop is the crop reversed, labels too.
    @Test func flipsReverseBoth() {
        let sample = Self.sample(height: 70, width: 90)
        for index in 0..<4 {
            let key = SampleKey(seed: 5, epoch: 0, index: index)
            let plain = SegmentationView(
                Self.settings {
                    $0.flip = 0; $0.scale = 2...2
                }, mean: Self.mean
            )
            .crop(of: sample, key: key)
            let turned = SegmentationView(
                Self.settings {
                    $0.flip = 1; $0.scale = 2...2
                }, mean: Self.mean
            )
            .crop(of: sample, key: key)
            for row in 0..<40 {
                let range = row * 56..<(row + 1) * 56
                #expect(Array(turned.labels[range]) == plain.labels[range].reversed())
                #expect(Array(turned.planes[range]) == plain.planes[range].reversed())
            }
        }
    }

    /// Beyond a small image lies the mean colour without a class, whatever happened to the colours.
    @Test func smallImagesAreFilledUp() {
        let view = SegmentationView(
            Self.settings {
                $0.scale = 0.25...0.25; $0.distortion = 1; $0.mostOfOneClass = 1
            }, mean: Self.mean)
        let crop = view.crop(of: Self.sample(height: 70, width: 70), key: SampleKey(seed: 0, epoch: 0, index: 0))
        for row in 0..<40 {
            for column in 0..<56 where row >= 15 || column >= 15 {
                #expect(crop.labels[row * 56 + column] == 255)
                #expect((0..<3).map { crop.planes[($0 * 40 + row) * 56 + column] } == [124, 116, 104])
            }
        }
        #expect(crop.labels[0] != 255)
    }

    /// One class fills all but a corner; crops without the corner are rare once they are drawn anew.
    @Test func cropsOfOneClassAreDrawnAnew() {
        let side = 160
        let labels = (0..<side * side).map { UInt8($0 / side < 50 && $0 % side < 60 ? 1 : 0) }
        let sample = LabelledImage(
            image: Pixels(height: side, width: side, channels: 1, bytes: labels),
            labels: Pixels(height: side, width: side, channels: 1, bytes: labels))
        func share(_ most: Double) -> Double {
            let settings = Self.settings {
                $0.shortSide = side
                $0.longSide = side
                $0.scale = 1...1
                $0.mostOfOneClass = most
            }
            let view = SegmentationView(settings, mean: [0.5])
            let varied = (0..<200).filter { index in
                let crop = view.crop(of: sample, key: SampleKey(seed: 0, epoch: 0, index: index))
                let ones = crop.labels.filter { $0 == 1 }.count
                return ones * 4 >= crop.labels.count && ones * 4 <= 3 * crop.labels.count
            }
            return Double(varied.count) / 200
        }
        let (without, with) = (share(1), share(0.75))
        #expect(without < 0.3)
        #expect(with > 1 - pow(1 - without, 11) - 0.12, "\(without) without, \(with) with")
    }

    @Test func sizesKeepTheShape() {
        let settings = SegmentationViewSettings()
        #expect(settings.resizedSize(height: 512, width: 683) == ViewSize(height: 512, width: 683))
        #expect(settings.resizedSize(height: 300, width: 400, scale: 2) == ViewSize(height: 1024, width: 1365))
        // The longer side decides where it would become too long.
        #expect(settings.resizedSize(height: 100, width: 1000) == ViewSize(height: 205, width: 2048))
    }
}

@Suite struct PhotometricKernelTests {
    /// What `px_hue_saturation` means, by way of HSV, in double precision.
    private static func plain(_ pixel: [UInt8], saturation: Double, hue: Double) -> [Double] {
        let (r, g, b) = (Double(pixel[0]), Double(pixel[1]), Double(pixel[2]))
        let (value, least) = (max(r, g, b), min(r, g, b))
        guard value > least else { return [r, g, b] }
        let chroma = value - least
        var turn = value == r ? (g - b) / chroma : value == g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma
        turn = turn / 6 + hue
        turn -= turn.rounded(.down)
        let s = min(chroma / value * saturation, 1)
        let sector = Int(turn * 6) % 6
        let f = turn * 6 - (turn * 6).rounded(.down)
        let (p, q, t) = (value * (1 - s), value * (1 - s * f), value * (1 - s * (1 - f)))
        return [[value, t, p], [q, value, p], [p, value, t], [p, q, value], [t, p, value], [value, p, q]][sector]
    }

    @Test(arguments: [(1.0, 0.0), (0.5, 0.0), (1.5, 0.0), (1.0, 0.1), (1.0, -0.1), (0.7, 0.45), (1.4, -0.07)])
    func hueAndSaturationAreThoseOfHSV(saturation: Double, hue: Double) {
        let colors = (0..<4_096).map { place -> [UInt8] in
            let parts: [Int] = [place % 16, place / 16 % 16, place / 256]
            return parts.map { UInt8($0 * 17) }
        }
        var planes: [UInt8] = []
        for channel in 0..<3 { planes += colors.map { color -> UInt8 in color[channel] } }
        px_hue_saturation(&planes, colors.count, Float(saturation), Float(hue))
        for (place, color) in colors.enumerated() {
            let expected = Self.plain(color, saturation: saturation, hue: hue)
            for channel in 0..<3 {
                let value = Double(planes[channel * colors.count + place])
                #expect(abs(value - expected[channel]) <= 0.51, "\(color)")
            }
        }
    }

    @Test func levelsAreCutAndNotRounded() {
        var planes: [UInt8] = [0, 10, 101, 200, 255]
        px_linear_levels(&planes, planes.count, 1.5, 0)
        #expect(planes == [0, 15, 151, 255, 255])
        px_linear_levels(&planes, planes.count, 1, -20)
        #expect(planes == [0, 0, 131, 235, 235])
    }
}
