import SelfPatchTensors

/// What all randomness about one image in one epoch comes from: the same views on any thread, in any order, any time.
package struct SampleKey: Hashable, Sendable {
    package var seed: UInt64
    /// Epochs count from 0.
    package var epoch: Int
    /// The image's place in the data set, not in the shuffled order.
    package var index: Int

    package init(seed: UInt64, epoch: Int, index: Int) {
        self.seed = seed
        self.epoch = epoch
        self.index = index
    }

    /// The numbers that one view is drawn from; views share none, so adding one changes no other.
    func generator(view: Int) -> KeyedGenerator {
        KeyedGenerator(Purpose.view.rawValue, seed, UInt64(epoch), UInt64(index), UInt64(view))
    }

    /// The image to take where this one cannot be read, and the next one where that cannot be read either.
    func replacement(attempt: Int, count: Int) -> Int {
        var generator = KeyedGenerator(
            Purpose.replacement.rawValue, seed, UInt64(epoch), UInt64(index), UInt64(attempt))
        return generator.integer(below: count)
    }
}

/// First words of the keys drawn from in this module, so that no two draws for different ends ever agree.
enum Purpose: UInt64 {
    case view = 0x76_6965_77
    case order = 0x6f_7264_6572
    case mixing = 0x6d_6978_696e_67
    case replacement = 0x72_6570_6c61_6365
}
