import SelfPatchTensors

/// Chooses each patch's positives: the k candidates of its window that look most like it to the teacher.
///
/// Source: paper, equation of positive matching; `selfpatch` head in the reference. Similarity is the cosine of the teacher's raw
/// backbone tokens, always in float32.
package struct PositiveMatching {
    package let window: NeighborWindow
    package let positiveCount: Int
    /// `[width, patches]` int64 and `[patches, width]` bool, see `NeighborWindow`.
    let table: Tensor
    let missing: Tensor?

    package init(window: NeighborWindow, positiveCount: Int, device: Device) {
        self.window = window
        self.positiveCount = positiveCount
        table = window.table(on: device)
        missing = window.missing(on: device)
    }

    /// The cosine of every patch with its candidates.
    /// - Parameter tokens: the teacher's, `[images, patches, width]`.
    /// - Returns: `[images, patches, candidates]`, in the window's order; -infinity where there is no candidate.
    package func similarities(of tokens: Tensor) -> Tensor {
        let all =
            tokens.elementType == .float32 && tokens.detached().suitsNeighborKernels
            ? tokens.detached().contiguous().neighborSimilarities(table) : similaritiesByOperations(of: tokens)
        return missing.map { all.filled(where: $0, with: -.infinity) } ?? all
    }

    /// The same by tensor operations, which define it, but for missing candidates.
    package func similaritiesByOperations(of tokens: Tensor) -> Tensor {
        let unit = tokens.cast(to: .float32).normalized()
        return Tensor.stacked(
            (0..<window.width).map { c in
                (unit * unit.rows(table.selected(c, dimension: 0), dimension: 1)).sum(over: -1)
            },
            dimension: -1)
    }

    /// Which candidates are **not** positives, `[images, patches, candidates]` bool; nil if all candidates are.
    ///
    /// Equally similar candidates: the one with the lower patch number wins.
    package func excluded(for tokens: Tensor) -> Tensor? {
        if positiveCount >= window.width { return missing?.unsqueezed(at: 0) }
        let order = similarities(of: tokens).sorted(descending: true).indices
        let beaten = order.narrowed(to: positiveCount..<window.width, dimension: 2)
        let none = Tensor.zeros(order.shape, type: .bool, device: order.device)
        let mask = none.scattering(1, at: beaten, dimension: 2)
        return missing.map { mask.or($0) } ?? mask
    }

    /// The chosen patches, most similar first: `[images, patches, min(k, candidates)]` int64. A patch with fewer candidates than
    /// k repeats its own number in the places left.
    package func positives(for tokens: Tensor) -> Tensor {
        let order = similarities(of: tokens).sorted(descending: true).indices
            .narrowed(to: 0..<min(positiveCount, window.width), dimension: 2)
        let numbers = table.transposed(0, 1).unsqueezed(at: 0).expanded(to: [order.size(0), -1, -1])
        return numbers.gathered(order, dimension: 2)
    }
}
