import SelfPatchData
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

/// What pictures are resized to for a detector, against mmdetection.
@Suite struct DetectionSizeGoldens {
    private struct Contents: Decodable {
        struct Cases: Decodable { let sizes: [Size]? }
        struct Size: Decodable {
            let width, height: Int
            let scale: [Int]
            let new_width, new_height: Int
            let factor_x, factor_y: Float
            let padded_width, padded_height: Int
        }
        let cases: Cases
    }

    @Test(.requires(Goldens.of(.detection)), arguments: Goldens.folders(.detection))
    func sizes(folder: Goldens.Folder) throws {
        let sizes = try folder.decode(Contents.self, from: "cases.json").cases.sizes ?? []
        let architecture = Architecture(width: 6, depth: 1, heads: 1, patchSize: 16)
        let detector = MaskRCNN(
            Network(architecture, heads: nil, seed: 0, device: .cpu), MaskRCNNSettings(), classCount: 1, seed: 0)
        for item in sizes {
            var settings = DetectionViewSettings()
            (settings.longSide, settings.useShortSide) = (item.scale.max() ?? 0, item.scale.min() ?? 0)
            let image = Pixels(
                height: item.height, width: item.width, channels: 1,
                bytes: [UInt8](repeating: 7, count: item.height * item.width))
            let picture = DetectionView(settings, masks: false).picture(of: image)
            #expect(picture.size == ViewSize(height: item.new_height, width: item.new_width))
            #expect(picture.factors == (item.factor_x, item.factor_y))
            #expect(detector.padded(picture.size.height) == item.padded_height)
            #expect(detector.padded(picture.size.width) == item.padded_width)
        }
    }
}
