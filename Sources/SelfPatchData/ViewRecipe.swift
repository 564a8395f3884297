import SelfPatchTensors

/// Everything that chance decides about one view.
package struct ViewRecipe: Hashable, Sendable {
    package var box: CropBox
    package var isFlipped = false
    package var jitter: ColorJitter?
    package var isGreyscale = false
    /// Deviation in pixels; nil without blur.
    package var blurRadius: Double?
    package var isSolarized = false

    package init(box: CropBox) {
        self.box = box
    }

    /// Draws a view of an image of the given size.
    ///
    /// All draws but those of the box are made whether they are needed or not, so that another probability changes
    /// nothing else.
    init(view: Int, height: Int, width: Int, settings: MultiCropSettings, key: SampleKey) {
        var generator = key.generator(view: view)
        let chances = settings.chances(ofView: view)
        let isFlipped = generator.chance(chances.flip)
        let isJittered = generator.chance(chances.jitter)
        let jitter = ColorJitter(settings, &generator)
        let isGreyscale = generator.chance(chances.greyscale)
        let isBlurred = generator.chance(chances.blur)
        let blurRadius = generator.uniform(in: settings.blurRadius)
        let isSolarized = generator.chance(chances.solarize)
        let crop = RandomCrop(scale: settings.scale(ofView: view), aspect: settings.aspect)

        self.init(box: crop.box(height: height, width: width, &generator))
        self.isFlipped = isFlipped
        self.jitter = isJittered ? jitter : nil
        self.isGreyscale = isGreyscale
        self.blurRadius = isBlurred ? blurRadius : nil
        self.isSolarized = isSolarized
    }
}
