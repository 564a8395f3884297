import SelfPatchData
import SelfPatchModel
import SelfPatchTensors

extension BatchPart {
    /// A micro-batch as the networks take it: on their device, normalised, by size.
    package init(_ batch: ViewBatch, _ settings: MultiCropSettings, on device: Device) {
        let normalized = ViewNormalization(mean: settings.mean, deviation: settings.deviation)
        func views(_ bytes: Tensor, _ numbers: Range<Int>) -> Views {
            Views(pixels: normalized(bytes.moved(to: device)), numbers: numbers, samples: batch.samples)
        }
        self.init(images: batch.samples.count) {
            [views(batch.globalViews, 0..<2)] + (batch.localViews.map { [views($0, 2..<settings.viewCount)] } ?? [])
        }
    }
}
