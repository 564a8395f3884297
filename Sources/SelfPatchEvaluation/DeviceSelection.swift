import SelfPatchTensors

/// Picks where the values are, by tensor operations alone: for a GPU, from which a block would take longer to fetch than to make.
struct DeviceSelection: NearestSelection {
    let count: Int
    /// `[rows, at most count]`, in the order that is promised.
    private var best: (values: Tensor, indices: Tensor)?

    init(count: Int) { self.count = count }

    mutating func offer(_ block: Tensor, firstIndex: Int) {
        let columns = Self.columns(ofLargest: min(count, block.size(1)), in: block)
        var values = block.gathered(columns, dimension: 1)
        var indices = columns + .full([1], value: Double(firstIndex), type: .int64, device: block.device)
        if let best {
            values = .concatenated([best.values, values], dimension: 1)
            indices = .concatenated([best.indices, indices], dimension: 1)
        }
        // Equal values stand in the order of their indices here, and stay so.
        let highest = values.highest(count)
        best = (highest.values, indices.gathered(highest.indices, dimension: 1))
    }

    mutating func finish() -> (values: [Float], indices: [Int32]) {
        guard let best, best.values.size(1) == count else { preconditionFailure("fewer than \(count) values") }
        return (
            best.values.floats(), best.indices.cast(to: .int32).withBytes { Array($0.bindMemory(to: Int32.self)) }
        )
    }

    /// The columns of each row's `count` largest values, in ascending order: `[rows, count]`.
    ///
    /// A selection of values says only how large the least of them is. Of the columns that hold just this much the first are taken, which
    /// a selection of columns tells, for no two of them are equal.
    private static func columns(ofLargest count: Int, in block: Tensor) -> Tensor {
        let columns = block.size(1)
        precondition(columns <= 1 << 24, "\(columns) columns, more than float32 can count")
        let least = block.top(count).values.narrowed(to: count - 1..<count, dimension: 1)
        return (-Tensor.range(columns, type: .float32, device: block.device))
            .filled(where: block > least, with: 1)
            .filled(where: block < least, with: -.infinity)
            .top(count).indices.sorted().values
    }
}
