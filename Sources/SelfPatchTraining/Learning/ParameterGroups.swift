import Foundation
import SelfPatchLayers
import SelfPatchModel

/// Which parameters are trained, which of them decay, and how fast each may move.
package struct ParameterGroups {
    /// Parameters that are treated alike.
    package struct Group {
        /// Places in `trained`.
        package let places: [Int]
        package let decays: Bool
        /// Factor on the learning rate.
        package let rateShare: Double
    }

    /// In the network's order.
    package let trained: [NamedTensor]
    /// Those that decay first, each kind by falling shares.
    package let groups: [Group]

    /// - Parameters:
    ///   - decays: whether weight decay applies to a parameter.
    ///   - rateShare: the factor on its learning rate.
    package init(
        _ trained: [NamedTensor], decays: (NamedTensor) -> Bool, rateShare: (NamedTensor) -> Double = { _ in 1 }
    ) {
        self.trained = trained
        let kinds = trained.map { (decays: decays($0), rateShare: rateShare($0)) }
        groups = [true, false].flatMap { decays -> [Group] in
            let places = trained.indices.filter { kinds[$0].decays == decays }
            return Dictionary(grouping: places) { kinds[$0].rateShare }.sorted { $0.key > $1.key }
                .map { Group(places: $0.value, decays: decays, rateShare: $0.key) }
        }
    }

    /// Those of pretraining.
    ///
    /// Source: `get_params_groups` in DINO: names that end in `.bias` and tensors of one dimension do not decay; all else does, the
    /// position table, the class token and learned gains too. Frozen gains are not trained.
    package init(_ network: Network) {
        let learnedGain = network.imageHead?.gainIsLearned ?? false
        self.init(network.parameters.filter { learnedGain || !$0.name.hasSuffix("last_layer.weight_g") }) {
            !$0.name.hasSuffix(".bias") && $0.tensor.rank != 1
        }
    }

    /// Those of a backbone with its heads: with a layer decay d below 1 a block's rate is d to the number of blocks above it, the
    /// embedding's below that of the first block; heads have the whole rate.
    ///
    /// Source: BEiT's layer-wise decay.
    ///
    /// - Parameters:
    ///   - parameters: the backbone's names begin with `backbone.`.
    ///   - depth: blocks of the backbone.
    ///   - decays: whether weight decay applies, by name.
    package init(
        fineTuning parameters: [NamedTensor], depth: Int, layerDecay: Double, decays: (_ name: String) -> Bool
    ) {
        let top = depth + 1
        func layer(_ name: String) -> Int {
            let parts = name.split(separator: ".")
            guard parts.first == "backbone" else { return top }
            guard parts.count > 2, parts[1] == "blocks", let block = Int(parts[2]) else { return 0 }
            return block + 1
        }
        self.init(parameters, decays: { decays($0.name) }, rateShare: { pow(layerDecay, Double(top - layer($0.name))) })
    }
}
