import CSelfPatchTorch

/// This program's own kernels. Each has tensor operations beside its caller that define it and serve other devices and types.
extension Tensor {
    /// Whether the kernels can take it: float32 on the CPU.
    public var suitsKernels: Bool { device == .cpu && elementType == .float32 }

    /// In place: softmax((self - center) / temperature) of each row of `[rows, K]`.
    public func becomeCenteredSoftmax(center: Tensor, temperature: Double) {
        Self.perform("centered softmax", [self, center]) { sp_centered_softmax_into($0[0], $0[1], temperature) }
    }

    /// In place: products with prototypes `[rows, K]` become the gradient of weight (mass lse(s) - q s) with respect to themselves,
    /// with s = self / temperature; row r meets target r modulo the targets' rows.
    /// - Returns: the sum of these losses.
    public func becomeCrossEntropyGradient(
        targets: Tensor, temperature: Double, mass: Double, weight: Double
    ) -> Double {
        var loss = 0.0
        Self.perform("cross-entropy gradient", [self, targets]) {
            sp_cross_entropy_into_gradient($0[0], $0[1], temperature, mass, weight, &loss)
        }
        return loss
    }

    /// Cosines of the patches of `[images, patches, width]` with their candidates, `table` `[candidates, patches]` int64.
    public func neighborSimilarities(_ table: Tensor) -> Tensor {
        Self.make("neighbour similarities", self, table) { sp_neighbor_similarities($0[0], $0[1], $1) }
    }

    /// Attention of class tokens to themselves and to the candidates of their patches; see `ClassAttention`.
    public static func neighborAttention(
        query: Tensor, keys: Tensor, values: Tensor, ownLogits: Tensor, ownValues: Tensor, table: Tensor,
        excluded: Tensor?
    ) -> Tensor {
        make("neighbour attention", query, keys, values, ownLogits, ownValues, table, excluded) {
            sp_neighbor_attention($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6], $1)
        }
    }
}
