import SelfPatchTensors

/// The running mean of the teacher's raw outputs, subtracted from them before the softmax so that no output takes all.
///
/// The last layer is linear without bias, so the mean of the outputs is the prototypes times the mean bottleneck: one product a
/// step, and no output is ever made for the centre alone. A step's losses use the old centre; it moves once, after the last part
/// of the batch.
package struct Center {
    /// `[K]` float32.
    package private(set) var value: Tensor
    private var collected: (vector: Tensor, count: Int, prototypes: Tensor)?

    package init(_ value: Tensor) { self.value = value }

    /// Adds a part of the batch.
    /// - Parameters:
    ///   - sum: of the bottlenecks, `[d]`.
    ///   - prototypes: `[K, d]`, the same in all parts.
    package mutating func collect(_ sum: (vector: Tensor, count: Int), prototypes: Tensor) {
        collected =
            collected.map { ($0.vector + sum.vector, $0.count + sum.count, prototypes) } ?? (
                sum.vector, sum.count, prototypes
            )
    }

    /// Drops what was collected.
    package mutating func forget() { collected = nil }

    /// c = momentum c + (1 - momentum) mean, and forgets what was collected.
    package mutating func move(momentum: Double) {
        guard let collected else { return }
        value = withoutGradients {
            let mean = collected.prototypes.matmul(collected.vector * (1 / Double(collected.count)))
            return value * momentum + mean * (1 - momentum)
        }
        self.collected = nil
    }
}
