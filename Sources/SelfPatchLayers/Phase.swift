/// Whether layers learn or are used: in training batch norms take the batch's own statistics and channels are dropped.
package enum Phase: Sendable {
    /// Seed and step decide what is dropped.
    case training(seed: UInt64, step: Int)
    case use

    package var isTraining: Bool {
        if case .training = self { true } else { false }
    }
}
