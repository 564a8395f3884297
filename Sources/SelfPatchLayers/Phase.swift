/// Whether layers learn or are used: in training batch norms take the batch's own statistics and channels are dropped.
public enum Phase: Sendable {
    /// Seed and step decide what is dropped.
    case training(seed: UInt64, step: Int)
    case use

    public var isTraining: Bool {
        if case .training = self { true } else { false }
    }
}

/// Something that keeps tensors beside its learned ones, such as the running statistics of batch norms.
public protocol Buffered: Parameterized {
    /// By name, in a fixed order; no gradient moves them.
    var buffers: [NamedTensor] { get }
}

extension Buffered {
    public var buffers: [NamedTensor] { [] }

    /// Its buffers as a part of something larger.
    public func buffers(of part: String) -> [NamedTensor] {
        buffers.map { NamedTensor("\(part).\($0.name)", $0.tensor) }
    }
}
