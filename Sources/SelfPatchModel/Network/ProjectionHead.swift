import SelfPatchLayers
import SelfPatchTensors

/// Features to similarities with prototypes: an MLP to a unit vector (the bottleneck), then its products with K prototypes.
///
/// Source: `DINOHead`. The last product is left to the losses, which take it in pieces.
package struct ProjectionHead: Parameterized {
    let layers: [Linear]
    /// Directions of the prototypes, not normalised, `[prototypes, bottleneck]`.
    package let direction: Tensor
    /// Lengths of the prototypes, `[prototypes, 1]`.
    package let gain: Tensor
    package let gainIsLearned: Bool

    package init(width: Int, prototypes: Int, sizes: HeadSizes, _ initializer: Initializer) {
        layers = [
            Linear(from: width, to: sizes.hiddenWidth, initializer),
            Linear(from: sizes.hiddenWidth, to: sizes.hiddenWidth, initializer),
            Linear(from: sizes.hiddenWidth, to: sizes.bottleneck, initializer),
        ]
        direction = initializer.uniform(
            [prototypes, sizes.bottleneck], bound: 1 / Double(sizes.bottleneck).squareRoot())
        gain = initializer.ones([prototypes, 1])
        gainIsLearned = sizes.learnedGain
    }

    /// Features `[rows, width]` to unit vectors `[rows, bottleneck]`, float32.
    package func bottleneck(_ features: Tensor) -> Tensor {
        traced("heads") { layers[2](layers[1](layers[0](features).gelu()).gelu()).cast(to: .float32).normalized() }
    }

    /// gain_j direction_j / |direction_j|, `[prototypes, bottleneck]`: made once a step, they change at its end.
    package func prototypes() -> Tensor { traced("heads") { direction.weightNormalized(gain: gain) } }

    package var parameters: [NamedTensor] {
        layers.enumerated().flatMap { $1.parameters(of: "mlp.\(2 * $0)") }
            + [NamedTensor("last_layer.weight_g", gain), NamedTensor("last_layer.weight_v", direction)]
    }
}
