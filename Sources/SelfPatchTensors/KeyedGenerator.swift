/// Random numbers from a key: the same key gives the same numbers, on any thread and in any order of asking.
///
/// Nothing in the program draws from hidden state. A sample's views come from (seed, epoch, index), a drop-path decision
/// from (seed, step, sample, view, block, branch). The sequence is SplitMix64 (Steele, Lea, Flood 2014), started at a hash
/// of the key's words.
package struct KeyedGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// - Parameter key: any number of words; their order matters, and so does their count.
    package init(_ key: UInt64...) {
        state = 0x2545_F491_4F6C_DD1D
        for word in key {
            state = Self.mixed(state &+ Self.mixed(word &+ 0x9E37_79B9_7F4A_7C15))
        }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// Uniform in [0, 1), with 53 random bits.
    package mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Uniform in [low, high).
    package mutating func uniform(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * uniform()
    }

    /// Uniform in 0 ..< count.
    package mutating func integer(below count: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// True with the given probability.
    package mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

    private static func mixed(_ word: UInt64) -> UInt64 {
        var z = word
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
