import SelfPatchFormats

/// Which images belong to which micro-batch of which step: a function of the seed and of counts alone.
///
/// An epoch visits each image at most once, in an order of its own; images that do not fill its last batch wait for the
/// next epoch's order. Steps count from 0 through the whole run.
package struct MicroBatches: Sendable, Equatable {
    /// How an epoch orders the images.
    package let mixing: Mixing
    /// Images in the data set.
    package var images: Int { mixing.images }
    /// Images a step.
    package let batch: Int
    /// Micro-batches a step.
    package let parts: Int
    package let seed: UInt64

    /// All images mixed with all.
    package init(images: Int, batch: Int, parts: Int = 1, seed: UInt64) throws {
        try self.init(Mixing(images: images), batch: batch, parts: parts, seed: seed)
    }

    /// - Throws: `UserError` where the batch is larger than the data set, or cannot be parted so.
    package init(_ mixing: Mixing, batch: Int, parts: Int = 1, seed: UInt64) throws {
        let images = mixing.images
        guard batch > 0, parts > 0, parts <= batch else {
            throw UserError(
                "A batch of \(batch) images cannot be worked through in \(parts) micro-batches; each needs an image.",
                kind: .usage)
        }
        guard batch <= images else {
            throw UserError(
                "A batch of \(batch) images is larger than the data, which has \(images). "
                    + "Choose a batch of at most \(images).", kind: .usage)
        }
        guard images <= Int(UInt32.max) else {
            throw UserError("\(images) images are more than \(UInt32.max), the most that can be shuffled.")
        }
        self.mixing = mixing
        self.batch = batch
        self.parts = parts
        self.seed = seed
    }

    package var stepsPerEpoch: Int { images / batch }

    /// The epoch that a step belongs to.
    package func epoch(ofStep step: Int) -> Int { step / stepsPerEpoch }

    /// Places of a micro-batch's images in the batch of its step. Sizes differ by one image at most.
    package func samples(ofPart part: Int) -> Range<Int> {
        part * batch / parts..<(part + 1) * batch / parts
    }

    /// Images in the largest micro-batch.
    var mostImages: Int { (batch + parts - 1) / parts }
}
