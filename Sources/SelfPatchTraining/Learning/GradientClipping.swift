import SelfPatchLayers
import SelfPatchTensors

/// Shortens long gradients: each parameter tensor by itself, no global norm.
///
/// Source: `clip_gradients` in DINO: the factor is limit / (norm + 1e-6), applied where it is below 1.
package enum GradientClipping {
    /// The norms of the gradients that are there, one number each, on their device; nil if there is none.
    package static func norms(of parameters: [NamedTensor]) -> Tensor? {
        let gradients = parameters.compactMap(\.tensor.gradient)
        return gradients.isEmpty ? nil : TensorList.norms(gradients)
    }

    /// In place, all in one call.
    /// - Parameters:
    ///   - norms: of the gradients that are there.
    ///   - limit: 0 leaves the gradients as they are.
    package static func clip(_ parameters: [NamedTensor], _ norms: [Float], to limit: Double) {
        guard limit > 0 else { return }
        let gradients = parameters.compactMap(\.tensor.gradient)
        precondition(norms.count == gradients.count, "\(norms.count) norms of \(gradients.count) gradients")
        // In float32, as libtorch would reckon with the norms.
        let long = zip(gradients, norms.map { Float(limit) / ($0 + 1e-6) }).filter { $0.1 < 1 }
        TensorList.scale(long.map(\.0), by: long.map { Double($0.1) })
    }
}
