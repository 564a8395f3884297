import SelfPatchLayers
import SelfPatchTensors

/// Sets of tokens to one vector each, by class attention: all patches of a view to the image summary, and, for the teacher, each
/// patch's positives to that patch's target. One set of weights serves both.
///
/// Source: paper, section on the aggregation module; `ca_head` in the reference.
package struct AggregationModule: Parameterized {
    /// `[1, 1, width]`
    let classToken: Tensor
    let blocks: [ClassAttention]
    let norm: LayerNorm

    /// The reference's number of class-attention blocks.
    static let blockCount = 2

    package init(_ architecture: Architecture, _ initializer: Initializer) {
        classToken = initializer.normal([1, 1, architecture.width])
        blocks = (0..<Self.blockCount).map { _ in ClassAttention(architecture, initializer) }
        norm = LayerNorm(width: architecture.width, epsilon: architecture.normEpsilon, initializer)
    }

    /// The image summary, `[images, width]`.
    /// - Parameter tokens: the backbone's, `[images, patches, width]`.
    package func summary(of tokens: Tensor) -> Tensor {
        traced("aggregation") {
            var summary = classToken
            for block in blocks {
                summary = block.finished(summary, block.attended(by: summary, toAllOf: block.memory(of: tokens)))
            }
            return norm(summary).squeezed(at: 1)
        }
    }

    /// The patches as the student's head sees them: merely normed, `[images, patches, width]`.
    package func patches(of tokens: Tensor) -> Tensor { norm(tokens) }

    /// The teacher's view: the image summary `[images, width]` and each patch's target, made of its positives,
    /// `[images, patches, width]`.
    package func targets(of tokens: Tensor, _ matching: PositiveMatching) -> (summary: Tensor, patches: Tensor) {
        traced("aggregation") {
            let excluded = matching.excluded(for: tokens)
            var summary = classToken
            var targets = classToken
            for block in blocks {
                let memory = block.memory(of: tokens)
                summary = block.finished(summary, block.attended(by: summary, toAllOf: memory))
                targets = block.finished(
                    targets, block.attended(by: targets, toPositivesIn: memory, matching, excluding: excluded))
            }
            return (norm(summary).squeezed(at: 1), norm(targets))
        }
    }

    package var parameters: [NamedTensor] {
        [NamedTensor("cls_token", classToken)]
            + blocks.enumerated().flatMap { $1.parameters(of: "cls_blocks.\($0)") }
            + norm.parameters(of: "norm")
    }
}
