/// Whether layers learn or are used: in training batch norms take the batch's own statistics and channels are dropped.
package enum Phase: Sendable {
    /// Seed and step decide what is dropped.
    case training(seed: UInt64, step: Int)
    case use

    package var isTraining: Bool {
        if case .training = self { true } else { false }
    }
}

/// Something that keeps tensors beside its learned ones, such as the running statistics of batch norms.
package protocol Buffered: Parameterized {
    /// By name, in a fixed order; no gradient moves them.
    var buffers: [NamedTensor] { get }
}

extension Buffered {
    package var buffers: [NamedTensor] { [] }

    /// Its buffers as a part of something larger.
    package func buffers(of part: String) -> [NamedTensor] {
        buffers.map { NamedTensor("\(part).\($0.name)", $0.tensor) }
    }
}
