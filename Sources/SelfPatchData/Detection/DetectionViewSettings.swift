import SelfPatchFormats

/// How pictures are resized for a detector, and cut in its training. The defaults are DETR's for COCO, as the authors have them.
package struct DetectionViewSettings: Codable, Equatable, Sendable {
    /// Lengths of the shorter side in training, one of which is drawn for each picture.
    package var shortSides = [480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800]
    /// What the longer side is held to; the picture then gets smaller as a whole.
    package var longSide = 1333
    /// Length of the shorter side in use.
    package var useShortSide = 800
    /// Probability of reversed columns.
    package var flip = 0.5
    /// Probability that a picture is cut before it gets its size.
    package var crop = 0.5
    /// Lengths of the shorter side before a picture is cut.
    package var cropShortSides = [400, 500, 600]
    /// Sides of the part that is cut out, as far as the picture has them.
    package var cropSides = 384...600

    package init() {}

    /// Refuses what cannot be obeyed.
    package func validate() throws {
        func require(_ condition: Bool, _ sentence: String) throws {
            guard condition else { throw UserError("views.\(sentence)", kind: .usage) }
        }
        for (name, sides) in [
            ("shortSides", shortSides), ("cropShortSides", cropShortSides), ("longSide", [longSide]),
            ("useShortSide", [useShortSide]), ("cropSides", [cropSides.lowerBound, cropSides.upperBound]),
        ] {
            try require(!sides.isEmpty, "\(name) is empty; name at least one length.")
            for side in sides {
                try require(32...16_384 ~= side, "\(name) is \(side); it lies between 32 and 16,384 pixels.")
            }
        }
        let most = (shortSides + (crop > 0 ? cropShortSides : []) + [useShortSide]).max() ?? 0
        try require(longSide >= most, "longSide is \(longSide), below a shorter side of \(most).")
        for (name, chance) in [("flip", flip), ("crop", crop)] {
            try require(0...1 ~= chance, "\(name) is \(chance); it is a probability, from 0 to 1.")
        }
    }
}
