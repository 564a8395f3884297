import CSelfPatchTorch

/// This program's own kernels. Each has tensor operations beside its caller that define it and serve other devices and types.
extension Tensor {
    /// Whether the kernels can take it: float32 on the CPU.
    package var suitsKernels: Bool { device == .cpu && elementType == .float32 }

    /// In place: softmax((self - center) / temperature) of each row of `[rows, K]`.
    package func becomeCenteredSoftmax(center: Tensor, temperature: Double) {
        Self.perform("centered softmax", [self, center]) { sp_centered_softmax_into($0[0], $0[1], temperature) }
    }

    /// In place: products with prototypes `[rows, K]` become the gradient of weight (mass lse(s) - q s) with respect to themselves,
    /// with s = self / temperature; row r meets target r modulo the targets' rows.
    /// - Returns: the sum of these losses.
    package func becomeCrossEntropyGradient(
        targets: Tensor, temperature: Double, mass: Double, weight: Double
    ) -> Double {
        var loss = 0.0
        Self.perform("cross-entropy gradient", [self, targets]) {
            sp_cross_entropy_into_gradient($0[0], $0[1], temperature, mass, weight, &loss)
        }
        return loss
    }

    /// Cosines of the patches of `[images, patches, width]` with their candidates, `table` `[candidates, patches]` int64.
    package func neighborSimilarities(_ table: Tensor) -> Tensor {
        Self.make("neighbour similarities", self, table) { sp_neighbor_similarities($0[0], $0[1], $1) }
    }

    /// Attention of class tokens to themselves and to the candidates of their patches; see `ClassAttention`.
    package static func neighborAttention(
        query: Tensor, keys: Tensor, values: Tensor, ownLogits: Tensor, ownValues: Tensor, table: Tensor,
        excluded: Tensor?
    ) -> Tensor {
        make("neighbour attention", query, keys, values, ownLogits, ownValues, table, excluded) {
            sp_neighbor_attention($0[0], $0[1], $0[2], $0[3], $0[4], $0[5], $0[6], $1)
        }
    }

    /// Tokens `[patches, width]` of a grid as `propagatedLabels` reads them, for windows of this radius.
    package func windowKeys(grid: Grid, radius: Int) -> Tensor {
        Self.make("window keys", self) {
            sp_window_keys($0[0], Int64(grid.rows), Int64(grid.columns), Int64(radius), $1)
        }
    }

    /// Labels of the patches nearest to each of the queries `[patches, width]`, averaged; see `LabelPropagation`.
    ///
    /// - Parameters:
    ///   - keys: of each frame what `windowKeys` gave for the same grid and radius.
    ///   - labels: of each frame `[patches, objects]`.
    package static func propagatedLabels(
        queries: Tensor, keys: [Tensor], labels: [Tensor], grid: Grid, radius: Int, top: Int, temperature: Double
    ) -> Tensor {
        precondition(keys.count == labels.count, "\(keys.count) keys, \(labels.count) labels")
        return make("propagated labels", of: [queries] + keys + labels) { handles, out in
            sp_propagate_labels(
                handles[0], handles.baseAddress.map { $0 + 1 }, handles.baseAddress.map { $0 + 1 + keys.count },
                keys.count,
                Int64(grid.rows), Int64(grid.columns), Int64(radius), Int64(top), temperature, out)
        }
    }
}
