import SelfPatchLayers
import SelfPatchModel

/// Which parameters are trained, and which of them decay.
///
/// Source: `get_params_groups` in DINO: names that end in `.bias` and tensors of one dimension do not decay; all else does, the
/// position table, the class token and learned gains too. Frozen gains are not trained.
public struct ParameterGroups {
    /// In the network's order.
    public let trained: [NamedTensor]
    /// Places in `trained`.
    public let decaying: [Int]
    public let constant: [Int]

    public init(_ network: Network) {
        let learnedGain = network.imageHead?.gainIsLearned ?? false
        let trained = network.parameters.filter { learnedGain || !$0.name.hasSuffix("last_layer.weight_g") }
        func isConstant(_ place: Int) -> Bool {
            trained[place].name.hasSuffix(".bias") || trained[place].tensor.rank == 1
        }
        self.trained = trained
        decaying = trained.indices.filter { !isConstant($0) }
        constant = trained.indices.filter(isConstant)
    }
}
