import SelfPatchLayers
import SelfPatchTensors

/// Says of every anchor whether an object lies there, and how the anchor should move to fit it: one small network that
/// goes over all maps of the pyramid.
///
/// Source: Ren et al. 2015 (arXiv 1506.01497); `RPNHead` of mmdetection.
struct RegionProposalNetwork: Parameterized {
    private let hidden: Convolution
    private let objectness: Convolution
    private let shift: Convolution

    init(channels: Int, _ initializer: Initializer) {
        let shapes = AnchorGrid.ratios.count
        func convolution(to outputs: Int, side: Int) -> Convolution {
            Convolution(from: channels, to: outputs, side: side, start: .normal(0.01), initializer)
        }
        hidden = convolution(to: channels, side: 3)
        objectness = convolution(to: shapes, side: 1)
        shift = convolution(to: 4 * shapes, side: 1)
    }

    /// What the network says of each anchor of one map, in the order of `AnchorGrid`.
    struct Output {
        /// `[images, anchors]`, before the sigmoid.
        let logits: Tensor
        /// `[images, anchors, 4]`, to `BoxCoder.proposals`.
        let deltas: Tensor
    }

    /// - Parameter maps: `[images, channels, rows, columns]` each.
    func callAsFunction(_ maps: [Tensor]) -> [Output] {
        maps.map { map in
            let features = hidden(map).relu()
            func perAnchor(_ output: Tensor, _ shape: [Int]) -> Tensor {
                output.permuted([0, 2, 3, 1]).reshaped(to: [map.size(0), -1] + shape).cast(to: .float32)
            }
            return Output(logits: perAnchor(objectness(features), []), deltas: perAnchor(shift(features), [4]))
        }
    }

    var parameters: [NamedTensor] {
        hidden.parameters(of: "hidden") + objectness.parameters(of: "objectness") + shift.parameters(of: "shift")
    }
}
