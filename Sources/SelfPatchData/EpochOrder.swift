import SelfPatchTensors

/// The order in which an epoch visits the images: a function of the seed and the epoch alone.
package enum EpochOrder {
    /// All places 0 ..< count, shuffled (Fisher and Yates).
    package static func places(count: Int, seed: UInt64, epoch: Int) -> [UInt32] {
        var places = (0..<UInt32(count)).map { $0 }
        var generator = KeyedGenerator(Purpose.order.rawValue, seed, UInt64(epoch))
        places.withUnsafeMutableBufferPointer { places in
            for last in stride(from: count - 1, to: 0, by: -1) {
                places.swapAt(last, generator.integer(below: last + 1))
            }
        }
        return places
    }
}
