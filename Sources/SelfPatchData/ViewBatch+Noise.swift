import SelfPatchTensors

extension ViewBatch {
    /// Views of random bytes on a device, for measuring what a step costs without images.
    package static func noise(
        images: Int, _ settings: MultiCropSettings, seed: UInt64 = 0, on device: Device = .cpu
    ) -> ViewBatch {
        let generator = Generator(seed: seed)
        func bytes(_ views: Int, _ size: ViewSize) -> Tensor {
            let shape = [views * images, settings.channels, size.height, size.width]
            return Tensor.uniform(shape, low: 0, high: 256, using: generator).cast(to: .uint8).moved(to: device)
        }
        return ViewBatch(
            names: [], samples: 0..<images, globalViews: bytes(settings.globalCount, settings.globalSize),
            localViews: settings.localCount > 0 ? bytes(settings.localCount, settings.localSize) : nil)
    }
}
