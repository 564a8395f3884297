import SelfPatchTensors

/// Cross-entropy between a teacher's distributions and a student's, a piece at a time: forward and gradients together, leaving
/// behind the sum of losses and two gradients. No tensor of all rows and all prototypes exists.
///
/// For a row with logits s = W b / temperature, a target q of mass m (the sum of its numbers) and weight w:
///
///     loss = w (m lse(s) - q s)        d loss / d (W b) = w (m softmax(s) - q) / temperature =: g
///     d loss / d b = W^T g             d loss / d W = sum g b^T
enum StreamedCrossEntropy {
    /// Rows that share one target: several views' predictions of the same images, or patches with a target each.
    struct Piece {
        /// Rows of the bottlenecks; a whole multiple of the target's rows, view after view.
        let rows: Range<Int>
        /// w, the weight of every row.
        let weight: Double
        /// m, the sum of each target.
        let mass: Double
        /// `[target rows, K]`, made when its turn comes.
        let target: () -> Tensor
    }

    /// Elements of a piece's logits that the caller should stay near: large enough for products, small enough for caches.
    static let pieceElements = 4_000_000

    /// - Parameters:
    ///   - bottlenecks: the student's, `[rows, d]`.
    ///   - prototypes: the student's, `[K, d]`.
    /// - Returns: one number; its backward gives the gradients of both.
    static func loss(
        _ bottlenecks: Tensor, _ prototypes: Tensor, temperature: Double, _ pieces: [Piece]
    ) -> Tensor {
        let (value, bottleneckGradient, prototypeGradient) = withoutGradients {
            let (b, w) = (bottlenecks.detached(), prototypes.detached())
            let bottleneckGradient = Tensor.zeros(b.shape, device: b.device)
            let prototypeGradient = Tensor.zeros(w.shape, device: w.device)
            let total = Tensor.zeros([], device: b.device)
            for piece in pieces {
                let rows = b.narrowed(0, piece.rows)
                let target = piece.target()
                let logits = rows.matmul(w.transposed()).cast(to: .float32) * (1 / temperature)
                let shape = [piece.rows.count / target.size(0), target.size(0), target.size(1)]
                let s = logits.reshaped(shape)
                let lse = s.logSumExp(-1, keeping: true)
                let loss = (lse * piece.mass).sum() - (s * target).sum()
                total.add(loss, scale: piece.weight)

                let gradient = (s - lse).exp() * piece.mass - target
                gradient.multiply(by: piece.weight / temperature)
                let g = gradient.reshaped([piece.rows.count, target.size(1)])
                bottleneckGradient.narrowed(0, piece.rows).copy(from: g.matmul(w))
                prototypeGradient.addProduct(g.transposed(), rows)
            }
            return (total, bottleneckGradient, prototypeGradient)
        }
        return value.withGradients([(of: bottlenecks, is: bottleneckGradient), (of: prototypes, is: prototypeGradient)])
    }
}
