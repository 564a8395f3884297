import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Maps at strides of 4, 8, 16 and 32 pixels, made of a Vision Transformer's blocks, which all have the patch's stride.
///
/// | stride | patch 16 | patch 8 | other patches |
/// |---|---|---|---|
/// | 4 | doubling, batch norm, GELU, doubling | doubling | resized |
/// | 8 | doubling | as it is | resized |
/// | 16 | as it is | max-pool of 2 | resized |
/// | 32 | max-pool of 2 | max-pool of 4 | resized |
///
/// Doubling is a transposed convolution; "resized" is bilinear, to the grid that the stride gives. Detection stands on the
/// same levels.
///
/// Source: XCiT's backbones for mmsegmentation and mmdetection (El-Nouby et al. 2021), as the authors use for detection.
package struct FeaturePyramid: Buffered {
    /// Pixels of a step from one place of a map to the next.
    package static let strides = [4, 8, 16, 32]

    /// What the four levels are made of.
    package enum Kind: String, SettingsChoice {
        /// The strides above.
        case strides
        /// Every level as it is, at the patch's stride: the authors' own segmentation.
        case reference
    }

    private enum Level {
        case asItIs
        case doubled(Doubling)
        case doubledTwice(Doubling, BatchNorm, Doubling)
        case pooled(Int)
        /// Sides times the first over the second.
        case resized(Int, Int)
    }

    private let levels: [Level]

    /// - Parameters:
    ///   - width: numbers a token.
    ///   - patchSize: side of a patch in pixels.
    package init(_ kind: Kind, width: Int, patchSize: Int, _ initializer: Initializer) {
        func doubling() -> Doubling { Doubling(channels: width, initializer) }
        levels = Self.strides.map { stride in
            switch (kind, patchSize) {
            case (.reference, _): return .asItIs
            case (.strides, 8), (.strides, 16):
                if patchSize == 4 * stride {
                    return .doubledTwice(doubling(), BatchNorm(channels: width, initializer), doubling())
                }
                if patchSize == 2 * stride { return .doubled(doubling()) }
                return patchSize == stride ? .asItIs : .pooled(stride / patchSize)
            default: return patchSize == stride ? .asItIs : .resized(patchSize, stride)
            }
        }
    }

    /// - Parameters:
    ///   - tokens: `[images, patches, width]` after four blocks, from the first to the last.
    ///   - grid: of these patches.
    /// - Returns: `[images, width, rows, columns]` for each stride.
    package func callAsFunction(_ tokens: [Tensor], grid: Grid, _ phase: Phase) -> [Tensor] {
        precondition(tokens.count == levels.count, "\(tokens.count) blocks for \(levels.count) levels")
        return zip(tokens, levels).map { tokens, level in
            let map = tokens.asMap(grid)
            switch level {
            case .asItIs: return map
            case .doubled(let doubling): return doubling(map)
            case .doubledTwice(let first, let norm, let second): return second(norm(first(map), phase).gelu())
            case .pooled(let side): return map.maxPooled(side, stride: side)
            case .resized(let numerator, let denominator):
                func side(_ length: Int) -> Int { max(1, (length * numerator + denominator / 2) / denominator) }
                return map.resizedBilinear(to: Grid(rows: side(grid.rows), columns: side(grid.columns)))
            }
        }
    }

    package var parameters: [NamedTensor] {
        levels.enumerated().flatMap { number, level -> [NamedTensor] in
            switch level {
            case .doubled(let doubling): return doubling.parameters(of: "\(number).first")
            case .doubledTwice(let first, let norm, let second):
                return first.parameters(of: "\(number).first") + norm.parameters(of: "\(number).norm")
                    + second.parameters(of: "\(number).second")
            case .asItIs, .pooled, .resized: return []
            }
        }
    }

    package var buffers: [NamedTensor] {
        levels.enumerated().flatMap { number, level -> [NamedTensor] in
            if case .doubledTwice(_, let norm, _) = level { return norm.buffers(of: "\(number).norm") }
            return []
        }
    }
}
