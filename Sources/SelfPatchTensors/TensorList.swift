import CSelfPatchTorch

/// One call over all parameters: for optimisers, averages and clipping.
package enum TensorList {
    /// One AdamW step on each tensor, in place. `steps` are one-element float32 tensors, already advanced.
    package static func adamW(
        weights: [Tensor], gradients: [Tensor], firstMoments: [Tensor], secondMoments: [Tensor], steps: [Tensor],
        rate: Double, beta1: Double, beta2: Double, decay: Double, epsilon: Double
    ) {
        let count = weights.count
        guard count > 0 else { return }
        let lists = [weights, gradients, firstMoments, secondMoments, steps]
        precondition(lists.allSatisfy { $0.count == count }, "lists of \(lists.map(\.count)) tensors")
        Tensor.perform("AdamW", lists.flatMap { $0 }) { handles in
            func list(_ index: Int) -> UnsafePointer<OpaquePointer?>? { handles.baseAddress.map { $0 + index * count } }
            return sp_adamw(
                list(0), list(1), list(2), list(3), list(4), count, rate, beta1, beta2, decay, epsilon)
        }
    }

    /// a += weight (b - a) for each pair, in place.
    package static func move(_ a: [Tensor], towards b: [Tensor], weight: Double) {
        precondition(a.count == b.count, "\(a.count) and \(b.count) tensors")
        guard !a.isEmpty else { return }
        Tensor.perform("move towards", a + b) { handles in
            sp_lerp_all(handles.baseAddress, handles.baseAddress.map { $0 + a.count }, a.count, weight)
        }
    }

    /// The Euclidean norm of each, as one tensor `[count]`.
    package static func norms(_ tensors: [Tensor]) -> Tensor {
        Tensor.make("norms", of: tensors) { sp_norms($0.baseAddress, $0.count, $1) }
    }

    /// Multiplies tensor i by `factors[i]`, in place.
    package static func scale(_ tensors: [Tensor], by factors: [Double]) {
        precondition(tensors.count == factors.count, "\(tensors.count) tensors and \(factors.count) factors")
        guard !tensors.isEmpty else { return }
        Tensor.perform("scale", tensors) { sp_scale_all($0.baseAddress, factors, factors.count) }
    }
}
