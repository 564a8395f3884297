import SelfPatchLayers
import SelfPatchTensors

/// UPerNet: the coarsest level sees the image at several scales at once, then a top-down pyramid, and all levels joined.
///
/// Pyramid pooling takes means over grids of 1, 2, 3 and 6 cells a side, each through a 1x1 block and enlarged again, beside
/// the level itself. Blocks are convolution, batch norm and ReLU; enlarging is bilinear.
///
/// Source: Xiao et al. 2018 (arXiv 1807.10221); `UPerHead` and `PSPModule` in mmsegmentation.
package struct UPerNet: DenseHead {
    package static let poolingScales = [1, 2, 3, 6]

    let pooling: [ConvolutionBlock]
    let bottleneck: ConvolutionBlock
    let lateral: [ConvolutionBlock]
    let smoothing: [ConvolutionBlock]
    let joined: ConvolutionBlock
    let scores: ClassScores

    /// - Parameters:
    ///   - width: channels of each of the four maps.
    ///   - channels: 512 in the paper.
    package init(width: Int, channels: Int, classCount: Int, dropout: Double, _ initializer: Initializer) {
        let levels = FeaturePyramid.strides.count
        let scales = Self.poolingScales.count
        pooling = (0..<scales).map { _ in ConvolutionBlock(from: width, to: channels, side: 1, initializer) }
        bottleneck = ConvolutionBlock(from: width + scales * channels, to: channels, initializer)
        lateral = (1..<levels).map { _ in ConvolutionBlock(from: width, to: channels, side: 1, initializer) }
        smoothing = (1..<levels).map { _ in ConvolutionBlock(from: channels, to: channels, initializer) }
        joined = ConvolutionBlock(from: levels * channels, to: channels, initializer)
        scores = ClassScores(from: channels, classCount: classCount, dropout: dropout, place: 2, initializer)
    }

    package func callAsFunction(_ maps: [Tensor], _ phase: Phase) -> Tensor {
        precondition(maps.count == lateral.count + 1, "\(maps.count) maps for \(lateral.count + 1) levels")
        var merged = zip(lateral, maps).map { $0($1, phase) }
        merged.append(pooled(maps[maps.count - 1], phase))
        for level in merged.indices.dropFirst().reversed() {
            merged[level - 1] = merged[level - 1] + merged[level].resizedBilinear(ifNotAlready: merged[level - 1].grid)
        }
        let finest = merged[0].grid
        let smooth = zip(smoothing, merged).map { $0($1, phase) } + merged.suffix(1)
        let all = smooth.map { $0.resizedBilinear(ifNotAlready: finest) }
        return scores(joined(.concatenated(all, dimension: 1), phase), phase)
    }

    private func pooled(_ map: Tensor, _ phase: Phase) -> Tensor {
        let scales = zip(Self.poolingScales, pooling).map { scale, block in
            block(map.meanPooled(to: Grid(rows: scale, columns: scale)), phase).resizedBilinear(ifNotAlready: map.grid)
        }
        return bottleneck(.concatenated([map] + scales, dimension: 1), phase)
    }

    private var blocks: [(name: String, block: ConvolutionBlock)] {
        func named(_ name: String, _ blocks: [ConvolutionBlock]) -> [(String, ConvolutionBlock)] {
            blocks.enumerated().map { ("\(name).\($0)", $1) }
        }
        return named("pooling", pooling) + [("bottleneck", bottleneck)] + named("lateral", lateral)
            + named("smoothing", smoothing) + [("joined", joined)]
    }

    package var parameters: [NamedTensor] {
        blocks.flatMap { $0.block.parameters(of: $0.name) } + scores.parameters(of: "scores")
    }
    package var buffers: [NamedTensor] { blocks.flatMap { $0.block.buffers(of: $0.name) } }
}

/// A fully convolutional head on one level, which helps UPerNet to learn and is not used afterwards: a 3x3 block, then scores.
///
/// Source: `FCNHead` in mmsegmentation with one convolution and without its input joined.
package struct AuxiliaryHead: DenseHead {
    /// The third level, of stride 16.
    package static let level = 2

    let block: ConvolutionBlock
    let scores: ClassScores

    /// - Parameter channels: 256 in mmsegmentation.
    package init(width: Int, channels: Int, classCount: Int, dropout: Double, _ initializer: Initializer) {
        block = ConvolutionBlock(from: width, to: channels, initializer)
        scores = ClassScores(from: channels, classCount: classCount, dropout: dropout, place: 3, initializer)
    }

    /// - Parameter maps: all levels, of which it looks at the third.
    package func callAsFunction(_ maps: [Tensor], _ phase: Phase) -> Tensor {
        scores(block(maps[Self.level], phase), phase)
    }

    package var parameters: [NamedTensor] { block.parameters(of: "block") + scores.parameters(of: "scores") }
    package var buffers: [NamedTensor] { block.buffers(of: "block") }
}
