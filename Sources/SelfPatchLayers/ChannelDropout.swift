import SelfPatchTensors

/// Leaves whole channels of some images out while training, and divides the others by their share.
///
/// Which ones is a function of (seed, step, image, place), never of a sequence, so that a resumed run drops the same.
package struct ChannelDropout: Sendable {
    package let rate: Double
    /// Tells dropouts of one network apart.
    package let place: UInt64

    package init(rate: Double, place: UInt64 = 0) {
        precondition(0..<1 ~= rate, "a rate of \(rate)")
        self.rate = rate
        self.place = place
    }

    /// - Parameter maps: `[images, channels, rows, columns]`, and so is the result.
    package func callAsFunction(_ maps: Tensor, _ phase: Phase) -> Tensor {
        guard case .training(let seed, let step) = phase, rate > 0 else { return maps }
        let (images, channels) = (maps.size(0), maps.size(1))
        let factors = (0..<images).flatMap { image in
            var generator = KeyedGenerator(0xD20, seed, UInt64(step), UInt64(image), place)
            return (0..<channels).map { _ in generator.uniform() >= rate ? Float(1 / (1 - rate)) : 0 }
        }
        return maps * Tensor(factors, shape: [images, channels, 1, 1]).moved(to: maps.device)
    }
}
