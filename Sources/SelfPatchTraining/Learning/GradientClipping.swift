import SelfPatchLayers
import SelfPatchTensors

/// Shortens long gradients: each parameter tensor by itself, no global norm.
///
/// Source: `clip_gradients` in DINO: the factor is limit / (norm + 1e-6), applied where it is below 1.
package enum GradientClipping {
    /// In place, and without waiting for the device.
    /// - Parameter limit: 0 leaves the gradients as they are.
    /// - Returns: the norms before clipping, one number a gradient that is there; nil if there is none.
    @discardableResult
    package static func clip(_ parameters: [NamedTensor], to limit: Double) -> Tensor? {
        let gradients = parameters.compactMap(\.tensor.gradient)
        guard !gradients.isEmpty else { return nil }
        let norms = TensorList.norms(gradients)
        if limit > 0 {
            TensorList.scale(gradients, by: withoutGradients { (limit / (norms + 1e-6)).minimum(1) })
        }
        return norms
    }
}
