import SelfPatchTensors

/// Which patches of each view have a loss: all of them, or a random share drawn by (seed, step, sample, view).
package struct PatchDraw {
    package let share: Double
    package let seed: UInt64
    package let step: Int

    package init(share: Double, seed: UInt64, step: Int) {
        self.share = share
        self.seed = seed
        self.step = step
    }

    /// Patches of a view that have a loss.
    package func count(of patches: Int) -> Int { max(1, Int((share * Double(patches)).rounded())) }

    /// The chosen patches of all rows as one list `[rows * chosen, width]`, row by row.
    /// - Parameter tokens: `[rows, patches, width]`.
    func chosen(of tokens: Tensor, _ views: Views) -> Tensor {
        let (rows, patches, width) = (tokens.size(0), tokens.size(1), tokens.size(2))
        let flat = tokens.reshaped(to: [rows * patches, width])
        guard share < 1 else { return flat }
        let count = count(of: patches)
        let places = views.rows.enumerated().flatMap { row, place -> [Int] in
            var generator = KeyedGenerator(seed, UInt64(step), UInt64(place.sample), UInt64(place.view), Self.purpose)
            return (0..<patches).shuffled(using: &generator).prefix(count).sorted().map { row * patches + $0 }
        }
        return flat.rows(Tensor(places, shape: [places.count]).moved(to: tokens.device))
    }

    /// Keeps this stream apart from drop path's, which has the same first words.
    private static let purpose: UInt64 = 0x7061_7463_6873
}
