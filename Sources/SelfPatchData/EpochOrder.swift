import SelfPatchTensors

/// An order of things that is a function of the seed and the epoch alone.
package enum EpochOrder {
    /// All places 0 ..< count, shuffled.
    package static func places(count: Int, seed: UInt64, epoch: Int) -> [UInt32] {
        var places = (0..<UInt32(count)).map { $0 }
        var generator = KeyedGenerator(Purpose.order.rawValue, seed, UInt64(epoch))
        shuffle(&places, &generator)
        return places
    }

    /// Fisher and Yates.
    static func shuffle(_ places: inout [UInt32], _ generator: inout KeyedGenerator) {
        places.withUnsafeMutableBufferPointer { places in
            for last in stride(from: places.count - 1, to: 0, by: -1) {
                places.swapAt(last, generator.integer(below: last + 1))
            }
        }
    }
}
