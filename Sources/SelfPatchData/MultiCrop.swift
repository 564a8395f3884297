import CSelfPatchPixels

/// The multi-crop augmentation: cuts an image's views and changes their colors. Source: `DataAugmentationDINO` of the reference, on
/// Pillow's operations.
package struct MultiCrop: Sendable {
    package let settings: MultiCropSettings

    package init(_ settings: MultiCropSettings) {
        self.settings = settings
    }

    /// What chance decides about the views of an image of the given size: the global ones, then the local ones.
    package func recipes(height: Int, width: Int, key: SampleKey) -> [ViewRecipe] {
        (0..<settings.viewCount).map {
            ViewRecipe(view: $0, height: height, width: width, settings: settings, key: key)
        }
    }

    /// The views of an image, each as planes `[channels, height, width]`.
    package func views(of image: Pixels, key: SampleKey) -> [[UInt8]] {
        let scratch = ViewScratch()
        return recipes(height: image.height, width: image.width, key: key).enumerated().map { view, recipe in
            self.view(of: image, by: recipe, size: settings.size(ofView: view), scratch: scratch)
        }
    }

    /// One view as planes `[channels, height, width]`.
    package func view(of image: Pixels, by recipe: ViewRecipe, size: ViewSize, scratch: ViewScratch) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: image.channels * size.pixels) { bytes, count in
            render(recipe, of: image, size: size, into: bytes, scratch: scratch)
            count = bytes.count
        }
    }

    /// Writes one view as planes `[channels, height, width]` into `target`, which has just that room.
    ///
    /// The crop is resized and flipped in one go; all color operations go through the cache together, solarizing among
    /// them where no blur stands before it. With other than 1 or 3 channels nothing has a color, and the color
    /// operations are left out.
    ///
    /// - Parameter clock: takes the time of each part, which then all run by themselves.
    package func render(
        _ recipe: ViewRecipe, of image: Pixels, size: ViewSize, into target: UnsafeMutableBufferPointer<UInt8>,
        scratch: ViewScratch, clock: StageClock? = nil
    ) {
        precondition(
            target.count == image.channels * size.pixels,
            "\(target.count) bytes for a view of \(size) with \(image.channels) channels")
        guard let planes = target.baseAddress else { return }
        let channels = Int32(image.channels)
        let blurRadius = recipe.blurRadius ?? 0

        measured(clock, .cropAndResize) {
            image.resize(recipe.box, flipped: recipe.isFlipped, into: planes, size: size, scratch: scratch)
        }
        var steps = recipe.colorSteps
        if recipe.isSolarized, blurRadius == 0 { steps.append(.solarize) }
        apply(steps, to: planes, size: size, channels: channels, clock)
        if blurRadius > 0 {
            measured(clock, .blur) {
                let (height, width) = (Int32(size.height), Int32(size.width))
                let room = scratch.room(for: px_blur_scratch(height, width))
                px_blur(planes, channels, height, width, Float(blurRadius), room)
            }
            if recipe.isSolarized { apply([.solarize], to: planes, size: size, channels: channels, clock) }
        }
    }

    private func apply(
        _ steps: [px_color_step], to planes: UnsafeMutablePointer<UInt8>, size: ViewSize, channels: Int32,
        _ clock: StageClock?
    ) {
        guard !steps.isEmpty, channels == 1 || channels == 3 else { return }
        guard let clock else {
            px_color(planes, size.pixels, channels, steps, Int32(steps.count))
            return
        }
        for step in steps {
            clock.measure(Stage(step)) { px_color(planes, size.pixels, channels, [step], 1) }
        }
    }

    private func measured(_ clock: StageClock?, _ stage: Stage, _ body: () -> Void) {
        if let clock { clock.measure(stage, body) } else { body() }
    }
}

extension Pixels {
    /// Cuts a box out and resizes it into planes `[channels, height, width]`.
    fileprivate func resize(
        _ box: CropBox, flipped: Bool, into planes: UnsafeMutablePointer<UInt8>, size: ViewSize, scratch: ViewScratch
    ) {
        precondition(
            box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 && box.top + box.height <= height
                && box.left + box.width <= width,
            "the box \(box) does not lie in a picture of \(height) x \(width)")
        let (boxHeight, boxWidth) = (Int32(box.height), Int32(box.width))
        let (viewHeight, viewWidth) = (Int32(size.height), Int32(size.width))
        let room = scratch.room(for: px_resize_scratch(boxHeight, boxWidth, Int32(channels), viewHeight, viewWidth))
        bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            px_resize(
                start + (box.top * width + box.left) * channels, width * channels, boxHeight, boxWidth,
                Int32(channels), flipped ? 1 : 0, planes, viewHeight, viewWidth, room)
        }
    }
}

extension ViewRecipe {
    /// The color operations before the blur, in their order.
    fileprivate var colorSteps: [px_color_step] {
        var steps: [px_color_step] = []
        if let jitter {
            steps.reserveCapacity(6)
            for part in jitter.order {
                switch part {
                case .brightness: steps.append(px_color_step(kind: PX_BRIGHTNESS, amount: jitter.brightness))
                case .contrast: steps.append(px_color_step(kind: PX_CONTRAST, amount: jitter.contrast))
                case .saturation: steps.append(px_color_step(kind: PX_SATURATION, amount: jitter.saturation))
                case .hue: steps.append(px_color_step(kind: PX_HUE, amount: jitter.hue))
                }
            }
        }
        if isGreyscale { steps.append(px_color_step(kind: PX_GREYSCALE, amount: 0)) }
        return steps
    }
}

extension px_color_step {
    fileprivate static var solarize: px_color_step { px_color_step(kind: PX_SOLARIZE, amount: 0) }
}

extension Stage {
    fileprivate init(_ step: px_color_step) {
        switch step.kind {
        case PX_BRIGHTNESS: self = .brightness
        case PX_CONTRAST: self = .contrast
        case PX_SATURATION: self = .saturation
        case PX_HUE: self = .hue
        case PX_GREYSCALE: self = .greyscale
        default: self = .solarize
        }
    }
}
