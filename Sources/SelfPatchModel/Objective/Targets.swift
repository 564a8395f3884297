import SelfPatchLayers
import SelfPatchTensors

/// What the teacher says of some images: unit vectors, from which the losses make distributions piece by piece.
package struct Targets {
    /// Of the global views, `[2 * images, d]`, view-major.
    package let image: Tensor
    /// `[K, d]`
    package let imagePrototypes: Tensor
    /// Sum of the image bottlenecks over all views that the teacher saw, `[d]`, and how many they were: the centre's part.
    package let imageSum: (vector: Tensor, count: Int)
    /// Of each group of views: `[rows * patches, d]`, and where the rows stand. Empty without a patch loss.
    package let patches: [(vectors: Tensor, views: Range<Int>, patchesPerView: Int)]
    package let patchPrototypes: Tensor?
    /// Images in this part of the batch.
    package let images: Int
    /// The teacher's last tokens of the global views and their summaries, for the signs of health.
    package let globalTokens: Tensor
    package let globalSummaries: Tensor

    /// Of one view: `[images * patches, d]`.
    func patches(ofView view: Int) -> Tensor {
        guard let group = patches.first(where: { $0.views.contains(view) }) else {
            preconditionFailure("the teacher did not see view \(view)")
        }
        let rows = images * group.patchesPerView
        let start = (view - group.views.lowerBound) * rows
        return group.vectors.narrowed(to: start..<start + rows, dimension: 0)
    }

    /// Sum of all patch bottlenecks, `[d]`, and how many they were.
    package var patchSum: (vector: Tensor, count: Int)? {
        guard let first = patches.first?.vectors.sum(over: 0) else { return nil }
        let sum = patches.dropFirst().reduce(first) { $0 + $1.vectors.sum(over: 0) }
        return (sum, patches.reduce(0) { $0 + $1.vectors.size(0) })
    }
}

extension Network {
    /// The teacher's part of a step. Without gradients.
    /// - Parameters:
    ///   - groups: the views of each size, the global ones first; the local ones are passed over where the settings say so.
    ///   - matching: for each group's grid; nil without a patch loss.
    package func targets(
        for groups: [Views], _ settings: ObjectiveSettings, draw: PatchDraw, matching: (Grid) -> PositiveMatching
    ) -> Targets {
        guard let aggregation, let imageHead else {
            preconditionFailure("a teacher without aggregation module or without heads")
        }
        return withoutGradients {
            let seen = settings.teacherSeesLocalViews ? groups : Array(groups.prefix(1))
            var summaries: [Tensor] = []
            var chosen: [Tensor] = []
            var globalTokens: Tensor?
            for views in seen {
                let tokens = backbone(views.pixels).cast(to: .float32)
                if settings.hasPatchLoss {
                    let targets = aggregation.targets(of: tokens, matching(backbone.grid(of: views.pixels)))
                    summaries.append(targets.summary)
                    chosen.append(draw.chosen(of: targets.patches, views))
                } else {
                    summaries.append(aggregation.summary(of: tokens))
                }
                if globalTokens == nil { globalTokens = tokens }
            }
            guard let globalTokens else { preconditionFailure("a teacher without views") }
            // Each head once, for all views.
            let image = imageHead.bottleneck(Tensor.concatenated(summaries))
            var patches: [(vectors: Tensor, views: Range<Int>, patchesPerView: Int)] = []
            if let patchHead, settings.hasPatchLoss {
                let vectors = patchHead.bottleneck(Tensor.concatenated(chosen)).split(chosen.map { $0.size(0) })
                patches = zip(vectors, seen).map { vectors, views in
                    (vectors, views.numbers, vectors.size(0) / (views.numbers.count * views.samples.count))
                }
            }
            let globalRows = seen[0].numbers.count * seen[0].samples.count
            return Targets(
                image: image.narrowed(to: 0..<globalRows, dimension: 0), imagePrototypes: imageHead.prototypes(),
                imageSum: (image.sum(over: 0), image.size(0)), patches: patches,
                patchPrototypes: settings.hasPatchLoss ? patchHead?.prototypes() : nil,
                images: seen[0].samples.count, globalTokens: globalTokens, globalSummaries: summaries[0])
        }
    }
}
