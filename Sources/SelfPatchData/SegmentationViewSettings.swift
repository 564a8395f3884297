import SelfPatchFormats

/// How labelled images become the crops that a dense head is trained on. The defaults are the field's for ADE20K.
package struct SegmentationViewSettings: Codable, Equatable, Sendable {
    /// Size of a crop in pixels.
    package var crop = ViewSize(square: 512)
    /// The shorter side of a resized image, before `scale`; in scoring without it.
    package var shortSide = 512
    /// What the longer side is held to, before `scale`; the image then gets smaller as a whole.
    package var longSide = 2_048
    /// Factor on the resized image, uniform.
    package var scale = 0.5...2.0
    /// A crop where one class has a larger share of the labelled pixels is drawn anew, ten times at most.
    package var mostOfOneClass = 0.75
    /// Probability of reversed columns.
    package var flip = 0.5
    /// Probability of each part of the photometric distortion.
    package var distortion = 0.5
    /// Added to all levels of 0 ... 255, up or down by so many at most.
    package var brightness = 32.0
    /// Factor on all levels.
    package var contrast = 0.5...1.5
    /// Factor on the saturation.
    package var saturation = 0.5...1.5
    /// Turn of the hue, either way, in turns.
    package var hue = 0.1

    package init() {}

    /// Rows and columns of an image after resizing: as large as the two sides allow, its shape kept.
    package func resizedSize(height: Int, width: Int, scale: Double = 1) -> ViewSize {
        ViewSize(height: height, width: width)
            .scaled(shortSide: Double(shortSide) * scale, longSide: Double(longSide) * scale)
    }

    /// Refuses what cannot be obeyed.
    package func validate() throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError("views.\(sentence)", kind: .usage) }
        }
        for (name, side) in [
            ("crop", crop.height), ("crop", crop.width), ("shortSide", shortSide), ("longSide", longSide),
        ] {
            try require(1...16_384 ~= side, "\(name) is \(side); it lies between 1 and 16,384 pixels.")
        }
        try require(longSide >= shortSide, "longSide is \(longSide), below shortSide, \(shortSide).")
        for (name, range, limits) in [
            ("scale", scale, 0.01...100.0), ("contrast", contrast, 0...100), ("saturation", saturation, 0...100),
        ] {
            try require(
                limits.contains(range.lowerBound) && limits.contains(range.upperBound),
                "\(name) is \(range); its ends lie within \(limits).")
        }
        for (name, chance) in [("flip", flip), ("distortion", distortion)] {
            try require(0...1 ~= chance, "\(name) is \(chance); it is a probability, from 0 to 1.")
        }
        try require(
            mostOfOneClass > 0 && mostOfOneClass <= 1, "mostOfOneClass is \(mostOfOneClass); it is a share up to 1.")
        try require(0...255 ~= brightness, "brightness is \(brightness); it lies from 0 to 255.")
        try require(0...0.5 ~= hue, "hue is \(hue); it lies from 0 to 0.5 turns.")
    }
}
