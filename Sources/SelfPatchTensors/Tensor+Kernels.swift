import CSelfPatchTorch

/// This program's own kernels. Each has tensor operations beside its caller that define it and serve other devices and types.
extension Tensor {
    /// Whether the kernels for the CPU can take it: float32 there.
    package var suitsKernels: Bool { device == .cpu && elementType == .float32 }

    /// Whether `centeredSoftmax` and `becomeCrossEntropyGradient` take such rows: float32 on the CPU; float32 and bf16 and an even
    /// number of columns on a GPU that has kernels of ours.
    package var suitsLossKernels: Bool { Self.calling([self]) { sp_suits_loss_kernels($0[0]) } }

    /// softmax((self - center) / temperature) of each row of `[rows, K]`, in float32: in place where self is.
    package func kernelCenteredSoftmax(center: Tensor, temperature: Double) -> Tensor {
        Self.make("centered softmax", self, center) { sp_centered_softmax($0[0], $0[1], temperature, $1) }
    }

    /// In place: products with prototypes `[rows, K]` become the gradient of weight (mass lse(s) - q s) with respect to themselves,
    /// with s = self / temperature; row r meets target r modulo the targets' rows.
    /// - Returns: the sum of these losses, float32.
    package func becomeCrossEntropyGradient(
        targets: Tensor, temperature: Double, mass: Double, weight: Double
    ) -> Tensor {
        Self.make("cross-entropy gradient", self, targets) {
            sp_cross_entropy_into_gradient($0[0], $0[1], temperature, mass, weight, $1)
        }
    }

    /// Whether `neighborSimilarities` and `neighborAttention` take rows of this type and length: float32 on the CPU; float32 and bf16 of
    /// an even length on a GPU that has kernels of ours. They record nothing for `backward`.
    package var suitsNeighborKernels: Bool {
        !requiresGradient && Self.calling([self]) { sp_suits_neighbor_kernels($0[0]) }
    }

    /// Cosines of the patches of `[images, patches, width]`, float32, with their candidates, `table` `[candidates, patches]` int64.
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
