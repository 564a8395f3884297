import SelfPatchTensors

/// Cross-entropy between a teacher's distributions and a student's, a piece at a time: forward and gradients together, leaving
/// behind the sum of losses and two gradients. No tensor of all rows and all prototypes exists.
///
/// For a row with logits s = W b / temperature, a target q of mass m (the sum of its numbers) and weight w:
///
///     loss = w (m lse(s) - q s)        d loss / d (W b) = w (m softmax(s) - q) / temperature =: g
///     d loss / d b = W^T g             d loss / d W = sum g b^T
package enum StreamedCrossEntropy {
    /// Rows that share one target: several views' predictions of the same images, or patches with a target each.
    package struct Piece {
        /// Rows of the bottlenecks; a whole multiple of the target's rows, view after view.
        package let rows: Range<Int>
        /// w, the weight of every row.
        let weight: Double
        /// m, the sum of each target.
        let mass: Double
        /// `[target rows, K]`, made when its turn comes.
        let target: () -> Tensor

        package init(rows: Range<Int>, weight: Double, mass: Double, target: @escaping () -> Tensor) {
            self.rows = rows
            self.weight = weight
            self.mass = mass
            self.target = target
        }
    }

    /// Elements of a piece's logits that the caller should stay near: on a CPU large enough for products and small enough for
    /// caches; on a GPU large enough to keep all of it busy.
    package static func pieceElements(on device: Device) -> Int { device == .cpu ? 4_000_000 : 64_000_000 }

    /// - Parameters:
    ///   - bottlenecks: the student's, `[rows, d]`.
    ///   - prototypes: the student's, `[K, d]`.
    /// - Returns: one number; its backward gives the gradients of both.
    package static func loss(
        _ bottlenecks: Tensor, _ prototypes: Tensor, temperature: Double, _ pieces: [Piece]
    ) -> Tensor {
        let (value, bottleneckGradient, prototypeGradient) = withoutGradients {
            let (b, w) = (bottlenecks.detached(), prototypes.detached())
            let bottleneckGradient = Tensor.zeros(b.shape, device: b.device)
            let prototypeGradient = Tensor.zeros(w.shape, device: w.device)
            let total = Tensor.zeros([], device: b.device)
            for piece in pieces {
                let rows = b.narrowed(to: piece.rows, dimension: 0)
                let products = rows.matmul(w.transposed()).readyForLoss
                let (loss, g) = lossAndGradient(products, piece, temperature)
                total.add(loss)
                bottleneckGradient.narrowed(to: piece.rows, dimension: 0).copy(from: g.matmul(w))
                prototypeGradient.addProduct(g.transposed(), rows)
            }
            return (total, bottleneckGradient, prototypeGradient)
        }
        return value.withGradients([(of: bottlenecks, is: bottleneckGradient), (of: prototypes, is: prototypeGradient)])
    }

    /// The loss of a piece, and its gradient with respect to the products `[rows, K]`, whose memory may be used up.
    private static func lossAndGradient(
        _ products: Tensor, _ piece: Piece, _ temperature: Double
    ) -> (Tensor, Tensor) {
        let target = piece.target()
        if products.suitsLossKernels {
            let loss = products.becomeCrossEntropyGradient(
                targets: target, temperature: temperature, mass: piece.mass, weight: piece.weight)
            return (loss, products)
        }
        return lossAndGradientByOperations(products, target, piece, temperature)
    }

    /// The same by tensor operations, which define it.
    package static func lossAndGradientByOperations(
        _ products: Tensor, _ target: Tensor, _ piece: Piece, _ temperature: Double
    ) -> (Tensor, Tensor) {
        let s = (products * (1 / temperature)).reshaped(to: [-1, target.size(0), target.size(1)])
        let lse = s.logSumExp(over: -1, keeping: true)
        let loss = ((lse * piece.mass).sum() - (s * target).sum()) * piece.weight
        let gradient = ((s - lse).exp() * piece.mass - target) * (piece.weight / temperature)
        return (loss, gradient.reshaped(to: products.shape))
    }
}

extension Tensor {
    /// Products with prototypes as what follows takes them: as they are where a kernel reads them, otherwise in float32.
    var readyForLoss: Tensor { suitsLossKernels ? self : cast(to: .float32) }

    /// softmax((self - center) / temperature) of each row of products `[rows, K]`, whose memory may be used up: a teacher's
    /// distributions, in float32.
    func centeredSoftmax(center: Tensor, temperature: Double) -> Tensor {
        let logits = readyForLoss
        guard logits.suitsLossKernels else { return ((logits - center) * (1 / temperature)).softmax() }
        return logits.kernelCenteredSoftmax(center: center, temperature: temperature)
    }
}
