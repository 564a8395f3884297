/// The view of an image that a classifier is trained on: a random part of it, resized, now and then flipped.
///
/// The defaults are those of supervised training on ImageNet (8 to 100 % of the area, sides from 3:4 to 4:3). Resizing is the
/// augmentation's (bicubic, antialiased), where torchvision's own default is bilinear.
package struct RandomCropView: Sendable {
    package let size: ViewSize
    /// Share of the image's area.
    package var scale: ClosedRange<Double>
    /// Width over height.
    package var aspect: ClosedRange<Double>
    /// Probability of reversed columns.
    package var flip: Double

    package init(
        _ size: ViewSize, scale: ClosedRange<Double> = 0.08...1, aspect: ClosedRange<Double> = 3.0 / 4.0...4.0 / 3.0,
        flip: Double = 0.5
    ) {
        self.size = size
        self.scale = scale
        self.aspect = aspect
        self.flip = flip
    }

    /// The view as planes `[channels, height, width]`.
    package func planes(of image: Pixels, key: SampleKey, scratch: ViewScratch) -> [UInt8] {
        var generator = key.generator(view: 0)
        let isFlipped = generator.chance(flip)
        var recipe = ViewRecipe(
            box: RandomCrop(scale: scale, aspect: aspect).box(
                height: image.height, width: image.width, &generator))
        recipe.isFlipped = isFlipped
        return MultiCrop(MultiCropSettings()).view(of: image, by: recipe, size: size, scratch: scratch)
    }
}
