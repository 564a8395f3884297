import SelfPatchLayers
import SelfPatchTensors

/// What the student says of some views: unit vectors and the prototypes that they will meet, with their graph.
package struct Predictions {
    /// `[views * images, d]`, view-major, in the order of `views`.
    package let image: Tensor
    package let imagePrototypes: Tensor
    /// Of each group of views that has a patch loss: `[rows * patches, d]`.
    package let patches: [(vectors: Tensor, views: Range<Int>, patchesPerView: Int)]
    package let patchPrototypes: Tensor?
    /// Numbers of the views in the order of `image`.
    package let views: [Int]
    package let images: Int
}

extension Network {
    /// The student's part of a step, for all views at once or for some of them.
    /// - Parameter recomputing: save memory, see `VisionTransformer`.
    package func predictions(
        for groups: [Views], _ settings: ObjectiveSettings, draw: PatchDraw, recomputing: Bool = false,
        dropPath: (Views) -> DropPath
    ) -> Predictions {
        guard let aggregation, let imageHead else {
            preconditionFailure("a student without aggregation module or without heads")
        }
        var summaries: [Tensor] = []
        var chosen: [(vectors: Tensor, views: Views)] = []
        for views in groups {
            let tokens = backbone(views.pixels, dropPath(views), recomputing: recomputing)
            summaries.append(aggregation.summary(of: tokens))
            if settings.hasPatchLoss, settings.patchViews == .all || views.numbers.lowerBound < 2 {
                chosen.append((draw.chosen(of: aggregation.patches(of: tokens), views), views))
            }
        }
        var patches: [(vectors: Tensor, views: Range<Int>, patchesPerView: Int)] = []
        if let patchHead, !chosen.isEmpty {
            let vectors = patchHead.bottleneck(Tensor.concatenated(chosen.map(\.vectors)))
            patches = zip(vectors.split(chosen.map { $0.vectors.size(0) }), chosen).map { vectors, chosen in
                (vectors, chosen.views.numbers, vectors.size(0) / chosen.views.pixels.size(0))
            }
        }
        return Predictions(
            image: imageHead.bottleneck(Tensor.concatenated(summaries)), imagePrototypes: imageHead.prototypes(),
            patches: patches, patchPrototypes: patches.isEmpty ? nil : patchHead?.prototypes(),
            views: groups.flatMap { Array($0.numbers) }, images: groups[0].samples.count)
    }
}
