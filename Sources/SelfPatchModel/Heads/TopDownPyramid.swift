import SelfPatchLayers
import SelfPatchTensors

/// The feature pyramid network: what coarse levels know flows down into the fine ones.
///
/// Every level goes through a 1x1 convolution; from the coarsest on, each is enlarged by nearest neighbour to the next finer
/// one's size and added to it; then a 3x3 convolution each. No norm, no activation.
///
/// Source: Lin et al. 2017 (arXiv 1612.03144); `FPN` in mmsegmentation and mmdetection.
package struct TopDownPyramid: Parameterized {
    let lateral: [Convolution]
    let output: [Convolution]

    /// - Parameter inputs: channels of each level, the finest first.
    package init(from inputs: [Int], to channels: Int, _ initializer: Initializer) {
        lateral = inputs.map { Convolution(from: $0, to: channels, start: .glorot, initializer) }
        output = inputs.map { _ in Convolution(from: channels, to: channels, side: 3, start: .glorot, initializer) }
    }

    /// - Parameter maps: `[images, channels, rows, columns]`, the finest first; the results have the same grids.
    package func callAsFunction(_ maps: [Tensor]) -> [Tensor] {
        var merged = zip(lateral, maps).map { $0($1) }
        for level in merged.indices.dropFirst().reversed() {
            merged[level - 1] = merged[level - 1] + merged[level].resizedNearest(to: merged[level - 1].grid)
        }
        return zip(output, merged).map { $0($1) }
    }

    package var parameters: [NamedTensor] {
        lateral.enumerated().flatMap { $1.parameters(of: "lateral.\($0)") }
            + output.enumerated().flatMap { $1.parameters(of: "output.\($0)") }
    }
}
