import Dispatch
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
/// (64 MiB as set). A block of similarities is one matrix product; what it holds is then sifted in one pass, for the
/// library's own selection leaves the order of ties open.
package struct NeighborSearch {
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
            let block = withoutGradients {
                queries.narrowed(to: start..<start + length, dimension: 0).cast(to: .float32).moved(to: bank.device)
                    .normalized()
            }
            var selection = NearestSelection(rows: length, count: count)
            for first in stride(from: 0, to: bankCount, by: bankBlock) {
                let columns = min(bankBlock, bankCount - first)
                let products = withoutGradients {
                    block.matmul(bank.narrowed(to: first..<first + columns, dimension: 0).transposed(0, 1))
                }
                products.withBytes {
                    selection.offer($0.bindMemory(to: Float.self), columns: columns, firstIndex: first)
                }
            }
            selection.finish()
            similarities += selection.values
            indices += selection.indices
        }
        return Neighbors(count: count, similarities: similarities, indices: indices)
    }
}

/// The `count` largest of a stream of values for each of several rows, with their indices.
struct NearestSelection {
    let rows: Int
    let count: Int
    private(set) var values: [Float]
    private(set) var indices: [Int32]
    /// How many values each row holds so far; the same for all.
    private var filled = 0

    init(rows: Int, count: Int) {
        self.rows = rows
        self.count = count
        values = [Float](repeating: -.infinity, count: rows * count)
        indices = [Int32](repeating: -1, count: rows * count)
    }

    /// Takes the next `columns` values of every row; indices go up from call to call.
    ///
    /// - Parameter block: `[rows, columns]`.
    mutating func offer(_ block: UnsafeBufferPointer<Float>, columns: Int, firstIndex: Int) {
        precondition(block.count == rows * columns, "\(block.count) values for \(rows) x \(columns)")
        let (count, filled) = (count, filled)
        values.withUnsafeMutableBufferPointer { values in
            indices.withUnsafeMutableBufferPointer { indices in
                // Every row is written by one iteration alone.
                nonisolated(unsafe) let values = values.baseAddress!
                nonisolated(unsafe) let indices = indices.baseAddress!
                nonisolated(unsafe) let block = block.baseAddress!
                DispatchQueue.concurrentPerform(iterations: rows) { row in
                    var heap = NearestHeap(
                        values: values + row * count, indices: indices + row * count, capacity: count, count: filled)
                    heap.offer(block + row * columns, columns: columns, firstIndex: Int32(firstIndex))
                }
            }
        }
        self.filled = min(count, filled + columns)
    }

    /// Sorts each row: larger values first, of equal ones the lower index.
    mutating func finish() {
        precondition(filled == count, "\(filled) of \(count) values were offered")
        for row in 0..<rows {
            let range = row * count..<(row + 1) * count
            let order = range.sorted { a, b in
                values[a] != values[b] ? values[a] > values[b] : indices[a] < indices[b]
            }
            let (sortedValues, sortedIndices) = (order.map { values[$0] }, order.map { indices[$0] })
            values.replaceSubrange(range, with: sortedValues)
            indices.replaceSubrange(range, with: sortedIndices)
        }
    }
}

/// One row's values as a binary heap whose first element is the worst: the smallest, of equal ones the highest index.
private struct NearestHeap {
    let values: UnsafeMutablePointer<Float>
    let indices: UnsafeMutablePointer<Int32>
    let capacity: Int
    var count: Int

    mutating func offer(_ row: UnsafePointer<Float>, columns: Int, firstIndex: Int32) {
        var column = 0
        while column < columns, count < capacity {
            push(row[column], firstIndex + Int32(column))
            column += 1
        }
        // A later value as large as the worst has a higher index than it, so only larger ones come in.
        while column < columns {
            if row[column] > values[0] { replaceWorst(row[column], firstIndex + Int32(column)) }
            column += 1
        }
    }

    private func isWorse(_ value: Float, _ index: Int32, than other: Int) -> Bool {
        value != values[other] ? value < values[other] : index > indices[other]
    }

    private mutating func push(_ value: Float, _ index: Int32) {
        var hole = count
        count += 1
        while hole > 0, isWorse(value, index, than: (hole - 1) / 2) {
            move((hole - 1) / 2, to: hole)
            hole = (hole - 1) / 2
        }
        values[hole] = value
        indices[hole] = index
    }

    private func replaceWorst(_ value: Float, _ index: Int32) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < count else { break }
            if child + 1 < count, isWorse(values[child + 1], indices[child + 1], than: child) { child += 1 }
            if isWorse(value, index, than: child) { break }
            move(child, to: hole)
            hole = child
        }
        values[hole] = value
        indices[hole] = index
    }

    private func move(_ from: Int, to: Int) {
        values[to] = values[from]
        indices[to] = indices[from]
    }
}
