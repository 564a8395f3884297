import SelfPatchTensors

/// Memory for the views of one micro-batch, filled by workers and read by the consumer; `SampleWork` says whose it is.
final class ViewSlot: SampleSlot {
    private let settings: MultiCropSettings
    private let globalViews: StagingBuffer
    private let localViews: StagingBuffer
    /// Images of the micro-batch that it is open for.
    private var images = 0
    var missing = 0
    var names: [String] = []

    /// - Parameters:
    ///   - images: the most of any micro-batch.
    ///   - device: where the views are wanted.
    init(images: Int, settings: MultiCropSettings, device: Device) {
        self.settings = settings
        func buffer(_ views: Int, _ size: ViewSize) -> StagingBuffer {
            StagingBuffer(capacity: images * views * settings.channels * size.pixels, for: device)
        }
        globalViews = buffer(settings.globalCount, settings.globalSize)
        localViews = buffer(settings.localCount, settings.localSize)
    }

    func open(samples: Int) {
        images = samples
        missing = samples
        names = [String](repeating: "", count: samples)
    }

    /// Writes the views of one image to their places: view-major, `place` within each view's images.
    func write(_ image: Pixels, place: Int, multiCrop: MultiCrop, key: SampleKey, scratch: ViewScratch) {
        let settings = multiCrop.settings
        precondition(
            image.channels == settings.channels,
            "an image of \(image.channels) channels for a model of \(settings.channels)")
        let recipes = multiCrop.recipes(height: image.height, width: image.width, key: key)
        for (view, recipe) in recipes.enumerated() {
            let isGlobal = view < settings.globalCount
            let size = settings.size(ofView: view)
            let bytes = settings.channels * size.pixels
            let row = (isGlobal ? view : view - settings.globalCount) * images + place
            let target = UnsafeMutableBufferPointer(
                rebasing: (isGlobal ? globalViews : localViews).bytes[row * bytes..<(row + 1) * bytes])
            multiCrop.render(recipe, of: image, size: size, into: target, scratch: scratch)
        }
    }

    /// Sends the views to their device: for a GPU they are on their way while it works at the step before.
    func close() throws {
        func shape(_ views: Int, _ size: ViewSize) -> [Int] {
            [views * images, settings.channels, size.height, size.width]
        }
        try globalViews.send(shape(settings.globalCount, settings.globalSize))
        if settings.localCount > 0 { try localViews.send(shape(settings.localCount, settings.localSize)) }
    }

    /// The views as tensors of their own, on their device; the memory may be written again.
    func batch(samples: Range<Int>) -> ViewBatch {
        defer {
            globalViews.reclaim()
            localViews.reclaim()
        }
        return ViewBatch(
            names: names, samples: samples, globalViews: globalViews.take(),
            localViews: settings.localCount == 0 ? nil : localViews.take())
    }
}
