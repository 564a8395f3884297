import SelfPatchFormats

/// What the multi-crop augmentation makes of an image: two global views and any number of local ones.
///
/// The defaults are those of the reference's `DataAugmentationDINO`.
package struct MultiCropSettings: Codable, Equatable, Sendable {
    /// How often each part is applied to one kind of view, as probabilities.
    package struct Chances: Codable, Equatable, Sendable {
        /// The columns are reversed.
        package var flip: Double
        /// Brightness, contrast, saturation and hue change, in a random order.
        package var jitter: Double
        /// Luma in all three channels.
        package var greyscale: Double
        package var blur: Double
        /// Levels of 128 and more are turned round.
        package var solarize: Double

        package init(
            flip: Double = 0.5, jitter: Double = 0.8, greyscale: Double = 0.2, blur: Double, solarize: Double = 0
        ) {
            self.flip = flip
            self.jitter = jitter
            self.greyscale = greyscale
            self.blur = blur
            self.solarize = solarize
        }
    }

    /// Size of the two global views in pixels, `[height, width]`.
    package var globalSize = ViewSize(square: 224)
    /// Size of the local views.
    package var localSize = ViewSize(square: 96)
    /// Local views an image; 0 is allowed.
    package var localCount = 8

    /// Share of the image's area that a global view is cut from.
    package var globalScale = 0.25...1.0
    /// Share of the image's area that a local view is cut from.
    package var localScale = 0.05...0.25
    /// Width over height of what a view is cut from, before it is resized to the view's size, whatever shape that has;
    /// the logarithm is uniform.
    package var aspect = 3.0 / 4.0...4.0 / 3.0

    package var firstGlobal = Chances(blur: 1)
    package var secondGlobal = Chances(blur: 0.1, solarize: 0.2)
    package var local = Chances(blur: 0.5)

    /// Factors of the color jitter; 1 changes nothing.
    package var brightness = 0.6...1.4
    package var contrast = 0.6...1.4
    package var saturation = 0.8...1.2
    /// Shift of the hue in turns, within -0.5...0.5; 0 changes nothing.
    package var hue = -0.1...0.1
    /// Deviation of the blur in pixels of the view.
    package var blurRadius = 0.1...2.0

    /// Mean of each channel over the data, of levels in 0...1. Their number is the model's number of channels.
    package var mean = [0.485, 0.456, 0.406]
    /// Deviation of each channel.
    package var deviation = [0.229, 0.224, 0.225]

    package init() {}

    /// The image loss compares two global views, so there are always two.
    package var globalCount: Int { 2 }
    package var viewCount: Int { globalCount + localCount }
    package var channels: Int { mean.count }

    /// Kind of a view: 0 and 1 are the global ones, the local ones follow.
    package func chances(ofView view: Int) -> Chances {
        view == 0 ? firstGlobal : view == 1 ? secondGlobal : local
    }

    package func size(ofView view: Int) -> ViewSize {
        view < globalCount ? globalSize : localSize
    }

    package func scale(ofView view: Int) -> ClosedRange<Double> {
        view < globalCount ? globalScale : localScale
    }
}

extension MultiCropSettings {
    /// Refuses what cannot be obeyed.
    package func validate() throws {
        for (name, size) in [("globalSize", globalSize), ("localSize", localSize)] {
            guard (1...16_384).contains(size.height), (1...16_384).contains(size.width) else {
                throw UserError(
                    "views.\(name) is \(size); each side must lie between 1 and 16,384 pixels.", kind: .usage)
            }
        }
        guard (0...1_000).contains(localCount) else {
            throw UserError("views.localCount is \(localCount); it must lie between 0 and 1,000.", kind: .usage)
        }
        for (name, scale) in [("globalScale", globalScale), ("localScale", localScale)] {
            try require(scale, "views.\(name)", within: 0...1, "shares of the image's area above 0 and up to 1")
            guard scale.upperBound > 0 else {
                throw UserError("views.\(name) is \(scale); its upper end must be above 0.", kind: .usage)
            }
        }
        try require(aspect, "views.aspect", within: 0.01...100, "width over height, from 0.01 to 100")
        for (name, chances) in [("firstGlobal", firstGlobal), ("secondGlobal", secondGlobal), ("local", local)] {
            for (part, chance) in [
                ("flip", chances.flip), ("jitter", chances.jitter), ("greyscale", chances.greyscale),
                ("blur", chances.blur), ("solarize", chances.solarize),
            ] {
                guard (0...1).contains(chance) else {
                    throw UserError(
                        "views.\(name).\(part) is \(chance); it is a probability, from 0 to 1.", kind: .usage)
                }
            }
        }
        for (name, factors) in [("brightness", brightness), ("contrast", contrast), ("saturation", saturation)] {
            try require(factors, "views.\(name)", within: 0...100, "factors from 0 up, where 1 changes nothing")
        }
        try require(hue, "views.hue", within: -0.5...0.5, "turns from -0.5 to 0.5")
        try require(blurRadius, "views.blurRadius", within: 0...1_000, "pixels of the view, from 0 up")
        guard !mean.isEmpty, mean.count == deviation.count else {
            throw UserError(
                "views.mean has \(mean.count) numbers and views.deviation \(deviation.count); "
                    + "each needs one number a channel.", kind: .usage)
        }
        guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            throw UserError(
                "views.mean is \(mean) and views.deviation \(deviation); deviations must be above 0.", kind: .usage)
        }
    }

    private func require(
        _ range: ClosedRange<Double>, _ key: String, within limits: ClosedRange<Double>, _ words: String
    ) throws {
        guard limits.contains(range.lowerBound), limits.contains(range.upperBound) else {
            throw UserError(
                "\(key) is [\(range.lowerBound), \(range.upperBound)]; it holds \(words).", kind: .usage)
        }
    }
}
