import SelfPatchTensors

/// Memory for the views of one micro-batch, filled by workers and read by the consumer; `SampleWork` says whose it is.
final class ViewSlot: SampleSlot {
    private let globalViews: UnsafeMutableBufferPointer<UInt8>
    private let localViews: UnsafeMutableBufferPointer<UInt8>
    /// Images of the micro-batch that it is open for.
    private var images = 0
    var missing = 0
    var names: [String] = []

    init(images: Int, settings: MultiCropSettings) {
        let channels = settings.channels
        globalViews = .allocate(capacity: images * settings.globalCount * channels * settings.globalSize.pixels)
        localViews = .allocate(capacity: images * settings.localCount * channels * settings.localSize.pixels)
    }

    deinit {
        globalViews.deallocate()
        localViews.deallocate()
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
                rebasing: (isGlobal ? globalViews : localViews)[row * bytes..<(row + 1) * bytes])
            multiCrop.render(recipe, of: image, size: size, into: target, scratch: scratch)
        }
    }

    /// The views as tensors of their own.
    func batch(samples: Range<Int>, settings: MultiCropSettings) -> ViewBatch {
        func tensor(_ memory: UnsafeMutableBufferPointer<UInt8>, _ views: Int, _ size: ViewSize) -> Tensor {
            let shape = [views * samples.count, settings.channels, size.height, size.width]
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[0..<shape.reduce(1, *)])
            return Tensor(bytes, type: .uint8, shape: shape)
        }
        return ViewBatch(
            names: names, samples: samples, globalViews: tensor(globalViews, settings.globalCount, settings.globalSize),
            localViews: settings.localCount == 0
                ? nil : tensor(localViews, settings.localCount, settings.localSize))
    }
}
