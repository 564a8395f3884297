import SelfPatchTensors

/// The nearest vectors of each query, nearest first.
package struct Neighbors: Sendable {
    /// How many each query has.
    package let count: Int
    /// Cosines, `[queries, count]` row by row.
    package let similarities: [Float]
    /// Rows of the bank, `[queries, count]` row by row.
    package let indices: [Int32]
}

/// Finds the vectors of a bank with the largest cosine to each query, exactly: of equally near ones the lower row first,
/// whatever the machine.
///
/// Both sides are taken in blocks, so that beside the bank itself at most `queryBlock * bankBlock` similarities are held
/// (64 MiB as set; on a GPU, what picks them holds some three times as much beside them). A block of similarities is one matrix
/// product. On a GPU they are picked there, and only the nearest come to the host.
package struct NeighborSearch {
    /// Whether similarities are picked where they are, rather than on the host; the same ones are. At first so for a bank on a GPU.
    package var picksOnDevice: Bool
    private let bank: Tensor
    private let bankBlock: Int
    private let queryBlock: Int

    /// - Parameter bank: `[vectors, width]`, finite; lengths do not matter. A copy with rows of length 1 is kept.
    package init(bank: Tensor, bankBlock: Int = 65_536, queryBlock: Int = 256) {
        precondition(bank.rank == 2 && bank.shape[0] > 0, "a bank of shape \(bank.shape)")
        precondition(bankBlock > 0 && queryBlock > 0, "blocks of \(queryBlock) x \(bankBlock)")
        self.bank = withoutGradients { bank.cast(to: .float32).normalized() }
        self.bankBlock = bankBlock
        self.queryBlock = queryBlock
        picksOnDevice = if case .cuda = bank.device { true } else { false }
    }

    package var bankCount: Int { bank.shape[0] }

    /// - Parameters:
    ///   - queries: `[queries, width]`, finite; lengths do not matter.
    ///   - count: how many each gets; at most `bankCount`.
    package func nearest(to queries: Tensor, count: Int) -> Neighbors {
        precondition(
            queries.rank == 2 && queries.shape[1] == bank.shape[1], "queries \(queries.shape) for a bank \(bank.shape)")
        precondition((1...bankCount).contains(count), "\(count) neighbours of \(bankCount)")
        var similarities: [Float] = []
        var indices: [Int32] = []
        for start in stride(from: 0, to: queries.shape[0], by: queryBlock) {
            let length = min(queryBlock, queries.shape[0] - start)
            withoutGradients {
                let block = queries.narrowed(to: start..<start + length, dimension: 0).cast(to: .float32)
                    .moved(to: bank.device).normalized()
                var selection: any NearestSelection =
                    picksOnDevice ? DeviceSelection(count: count) : HostSelection(rows: length, count: count)
                for first in stride(from: 0, to: bankCount, by: bankBlock) {
                    let columns = min(bankBlock, bankCount - first)
                    selection.offer(
                        block.matmul(bank.narrowed(to: first..<first + columns, dimension: 0).transposed(0, 1)),
                        firstIndex: first)
                }
                let nearest = selection.finish()
                similarities += nearest.values
                indices += nearest.indices
            }
        }
        return Neighbors(count: count, similarities: similarities, indices: indices)
    }
}

/// Picks the largest values of rows that come in blocks of columns: larger ones first, of equal ones the lower index.
protocol NearestSelection {
    /// Takes the next columns of every row; indices go up from call to call.
    ///
    /// - Parameter block: `[rows, columns]`, float32.
    mutating func offer(_ block: Tensor, firstIndex: Int)

    /// What was picked, as many of each row, row by row.
    mutating func finish() -> (values: [Float], indices: [Int32])
}
