import SelfPatchLayers

/// Early in a run the heads' last layers stay as they are, while the rest learns to say something.
///
/// Source: `cancel_gradients_last_layer` in DINO: their gradients become absent, not zero, so that AdamW skips them altogether.
package enum LastLayerFreeze {
    package static func dropGradients(_ parameters: [NamedTensor]) {
        for parameter in parameters where parameter.name.contains("last_layer") { parameter.tensor.gradient = nil }
    }
}
