import SelfPatchTensors

/// The image loss: every view of the student predicts what the teacher says of each global view that it is not.
///
///     L = 1 / (2 (V - 1)) sum over global views a, sum over views v != a, mean over images of -q_a log p_v
///
/// Source: DINO; method of the reference's `DINOLoss`. In one pass: view v meets the sum of its targets, with mass 1 or 2.
package struct DINOLoss {
    /// The teacher's distributions of the two global views, `[2, images, K]`.
    let targets: Tensor

    /// - Parameters:
    ///   - center: `[K]`, subtracted before the division by the temperature.
    package init(_ targets: Targets, center: Tensor, temperature: Double) {
        self.targets = targets.image.matmul(targets.imagePrototypes.transposed())
            .centeredSoftmax(center: center, temperature: temperature).reshaped(to: [2, targets.images, center.size(0)])
    }

    /// The share of the loss that these views have: over all views of an image they add up to the image loss.
    /// - Parameter viewCount: V, views of an image in all.
    package func loss(_ predictions: Predictions, viewCount: Int, temperature: Double) -> Tensor {
        let images = predictions.images
        let prototypes = targets.size(2)
        let weight = 1 / Double(2 * (viewCount - 1) * images)
        let both = targets.sum(over: 0)
        let viewsAtOnce = max(1, StreamedCrossEntropy.pieceElements(on: targets.device) / (images * prototypes))
        var pieces: [StreamedCrossEntropy.Piece] = []
        var place = 0
        while place < predictions.views.count {
            let view = predictions.views[place]
            // Local views have the same target and go together.
            let together = view < 2 ? 1 : min(viewsAtOnce, predictions.views.count - place)
            let target = view < 2 ? targets.selected(1 - view, dimension: 0) : both
            pieces.append(
                .init(
                    rows: place * images..<(place + together) * images, weight: weight, mass: view < 2 ? 1 : 2,
                    target: { target }))
            place += together
        }
        return StreamedCrossEntropy.loss(
            predictions.image, predictions.imagePrototypes, temperature: temperature, pieces)
    }
}
