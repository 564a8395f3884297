import SelfPatchLayers
import SelfPatchTensors

/// AdamW with decoupled weight decay, each tensor with its own step counter: a tensor without a gradient is skipped altogether, with
/// no decay, no moments, and its counter standing still.
///
/// Source: Loshchilov and Hutter 2019; PyTorch's `AdamW`.
package final class AdamW {
    package let groups: ParameterGroups
    package private(set) var firstMoments: [Tensor]
    package private(set) var secondMoments: [Tensor]
    /// Updates that each tensor has had.
    package private(set) var counters: [Int]
    let beta1: Double
    let beta2: Double
    let epsilon: Double

    package init(_ groups: ParameterGroups, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
        self.groups = groups
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        firstMoments = groups.trained.map { .zeros($0.tensor.shape, device: $0.tensor.device) }
        secondMoments = groups.trained.map { .zeros($0.tensor.shape, device: $0.tensor.device) }
        counters = groups.trained.map { _ in 0 }
    }

    /// One update from the gradients that are there.
    package func update(rate: Double, decay: Double) {
        for group in groups.groups {
            update(group.places, rate: rate * group.rateShare, decay: group.decays ? decay : 0)
        }
    }

    private func update(_ places: [Int], rate: Double, decay: Double) {
        // Tensors with the same counter share one tensor that holds it: two calls at most, but for odd histories.
        let present = places.compactMap { place in groups.trained[place].tensor.gradient.map { (place, $0) } }
        for (counter, members) in Dictionary(grouping: present, by: { counters[$0.0] }).sorted(by: { $0.key < $1.key })
        {
            let device = groups.trained[members[0].0].tensor.device
            let steps = Tensor.full([], value: Double(counter + 1), device: device)
            TensorList.adamW(
                weights: members.map { groups.trained[$0.0].tensor }, gradients: members.map(\.1),
                firstMoments: members.map { firstMoments[$0.0] }, secondMoments: members.map { secondMoments[$0.0] },
                steps: members.map { _ in steps }, rate: rate, beta1: beta1, beta2: beta2, decay: decay,
                epsilon: epsilon)
            for (place, _) in members { counters[place] = counter + 1 }
        }
    }

    /// Moments by name, for checkpoints.
    package var state: [NamedTensor] {
        zip(groups.trained, firstMoments).map { NamedTensor("optimizer.moment1.\($0.name)", $1) }
            + zip(groups.trained, secondMoments).map { NamedTensor("optimizer.moment2.\($0.name)", $1) }
    }

    /// Puts saved counters back; moments are overwritten in place through `state`.
    package func restore(counters: [Int]) {
        precondition(
            counters.count == self.counters.count, "\(counters.count) counters for \(self.counters.count) tensors")
        self.counters = counters
    }
}
