import SelfPatchTensors

/// The patch loss: each patch of the student predicts what the teacher says of that patch's positives, in the same view.
///
///     L = 1 / V sum over views v, mean over images and patches i of -q_vi log p_vi
///
/// Every view counts the same, so a patch of a small view weighs more.
///
/// Source: paper, the SelfPatch objective; `DINOLoss` in the reference computes it beside the image loss.
package struct PatchLoss {
    let targets: Targets
    let prototypes: Tensor
    let center: Tensor
    let temperature: Double

    /// - Parameter center: `[K_p]`.
    package init(_ targets: Targets, prototypes: Tensor, center: Tensor, temperature: Double) {
        self.targets = targets
        self.prototypes = prototypes
        self.center = center
        self.temperature = temperature
    }

    /// The share of the loss that these views have.
    /// - Parameters:
    ///   - viewCount: views of an image that have a patch loss.
    ///   - observe: sees every piece's teacher distributions, `[rows, K_p]`.
    package func loss(
        _ predictions: Predictions, viewCount: Int, temperature: Double, observe: ((Tensor) -> Void)? = nil
    ) -> Tensor {
        guard let studentPrototypes = predictions.patchPrototypes else {
            preconditionFailure("predictions without patches have no patch loss")
        }
        let rowsAtOnce = max(1, StreamedCrossEntropy.pieceElements(on: prototypes.device) / prototypes.size(0))
        var pieces: [StreamedCrossEntropy.Piece] = []
        var start = 0
        for group in predictions.patches {
            let rowsOfView = predictions.images * group.patchesPerView
            let weight = 1 / Double(viewCount * rowsOfView)
            let teacher = Tensor.concatenated(group.views.map(targets.patches(ofView:)))
            for first in stride(from: 0, to: teacher.size(0), by: rowsAtOnce) {
                let rows = first..<min(first + rowsAtOnce, teacher.size(0))
                pieces.append(
                    .init(rows: start + rows.lowerBound..<start + rows.upperBound, weight: weight, mass: 1) {
                        let target = teacher.narrowed(to: rows, dimension: 0).matmul(prototypes.transposed())
                            .centeredSoftmax(center: center, temperature: self.temperature)
                        observe?(target)
                        return target
                    })
            }
            start += teacher.size(0)
        }
        let vectors = Tensor.concatenated(predictions.patches.map(\.vectors))
        return StreamedCrossEntropy.loss(vectors, studentPrototypes, temperature: temperature, pieces)
    }
}
