import SelfPatchLayers
import SelfPatchTensors

/// Semantic FPN: a top-down pyramid, then each level enlarged step by step to the finest one's size, and all summed.
///
/// A level of stride 4 * 2^n has n convolution blocks with a bilinear doubling after each, the finest one block without. Where
/// the levels do not have these strides (`FeaturePyramid.Kind.reference`) the steps are the same, and the result is resized
/// to the first level's grid.
///
/// Source: Kirillov et al. 2019 (arXiv 1901.02446); `FPNHead` in mmsegmentation.
package struct SemanticFPN: DenseHead {
    let pyramid: TopDownPyramid
    /// For each level its blocks.
    let levels: [[ConvolutionBlock]]
    let scores: ClassScores

    /// - Parameters:
    ///   - width: channels of each of the four maps.
    ///   - pyramidChannels: 256 in the paper.
    ///   - channels: 128 in the paper.
    package init(
        width: Int, pyramidChannels: Int, channels: Int, classCount: Int, dropout: Double, _ initializer: Initializer
    ) {
        let count = FeaturePyramid.strides.count
        pyramid = TopDownPyramid(from: Array(repeating: width, count: count), to: pyramidChannels, initializer)
        levels = (0..<count).map { level in
            (0..<max(1, level)).map {
                ConvolutionBlock(from: $0 == 0 ? pyramidChannels : channels, to: channels, initializer)
            }
        }
        scores = ClassScores(from: channels, classCount: classCount, dropout: dropout, place: 1, initializer)
    }

    package func callAsFunction(_ maps: [Tensor], _ phase: Phase) -> Tensor {
        let enlarged = zip(levels, pyramid(maps)).enumerated().map { level, pair in
            pair.0.reduce(pair.1) { map, block in
                let next = block(map, phase)
                guard level > 0 else { return next }
                return next.resizedBilinear(to: Grid(rows: 2 * next.size(2), columns: 2 * next.size(3)))
            }
        }
        let sum = enlarged.dropFirst().reduce(enlarged[0]) { $0 + $1.resizedBilinear(ifNotAlready: $0.grid) }
        return scores(sum, phase)
    }

    package var parameters: [NamedTensor] {
        pyramid.parameters(of: "pyramid") + blocks.flatMap { $0.block.parameters(of: $0.name) }
            + scores.parameters(of: "scores")
    }

    package var buffers: [NamedTensor] { blocks.flatMap { $0.block.buffers(of: $0.name) } }

    private var blocks: [(name: String, block: ConvolutionBlock)] {
        levels.enumerated().flatMap { level, blocks in
            blocks.enumerated().map { ("levels.\(level).\($0)", $1) }
        }
    }
}
