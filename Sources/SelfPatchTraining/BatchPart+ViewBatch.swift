import SelfPatchData
import SelfPatchModel
import SelfPatchTensors

extension BatchPart {
    /// A micro-batch as the networks take it: on their device, normalised, by size.
    public init(_ batch: ViewBatch, _ settings: MultiCropSettings, on device: Device) {
        let normalized = ViewNormalization(mean: settings.mean, deviation: settings.deviation)
        var groups = [
            Views(pixels: normalized(batch.globalViews.moved(to: device)), numbers: 0..<2, samples: batch.samples)
        ]
        if let local = batch.localViews {
            groups.append(
                Views(
                    pixels: normalized(local.moved(to: device)), numbers: 2..<settings.viewCount, samples: batch.samples
                ))
        }
        self.init(groups)
    }
}
