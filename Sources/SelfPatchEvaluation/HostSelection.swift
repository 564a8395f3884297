import Dispatch
import SelfPatchTensors

/// Picks on the host, in one pass over each block: libtorch's own selection leaves the order of equal values open.
struct HostSelection: NearestSelection {
    let rows: Int
    let count: Int
    private var values: [Float]
    private var indices: [Int32]
    /// How many values each row holds so far; the same for all.
    private var filled = 0

    init(rows: Int, count: Int) {
        self.rows = rows
        self.count = count
        values = [Float](repeating: -.infinity, count: rows * count)
        indices = [Int32](repeating: -1, count: rows * count)
    }

    mutating func offer(_ block: Tensor, firstIndex: Int) {
        let columns = block.size(1)
        block.withBytes { offer($0.bindMemory(to: Float.self), columns: columns, firstIndex: firstIndex) }
    }

    private mutating func offer(_ block: UnsafeBufferPointer<Float>, columns: Int, firstIndex: Int) {
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

    mutating func finish() -> (values: [Float], indices: [Int32]) {
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
        return (values, indices)
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
