import CSelfPatchTorch

/// The operations that layers are made of.
extension Tensor {
    /// x W^T + b over the last dimension; `weight` `[out, in]`, `bias` `[out]`.
    package func linear(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
        Self.make("linear", self, weight, bias) { sp_linear($0[0], $0[1], $0[2], $1) }
    }
    /// Over the last dimension; `weight` and `bias` of its size.
    package func layerNormalized(_ weight: Tensor, _ bias: Tensor, epsilon: Double) -> Tensor {
        Self.make("layer norm", self, weight, bias) { sp_layer_norm($0[0], $0[1], $0[2], epsilon, $1) }
    }
    /// The same for linear maps alone: in bf16 where autocast would cast it to that next and a GPU has the kernel.
    package func layerNormalizedForProducts(_ weight: Tensor, _ bias: Tensor, epsilon: Double) -> Tensor {
        Self.make("layer norm", self, weight, bias) { sp_layer_norm_for_products($0[0], $0[1], $0[2], epsilon, $1) }
    }
    /// self + branch * factors, or self + branch, for a residual branch `[rows, tokens, width]` of either type; `factors` `[rows, 1, 1]`.
    package func adding(_ branch: Tensor, times factors: Tensor?) -> Tensor {
        Self.make("residual", self, branch, factors) { sp_add_scaled($0[0], $0[1], $0[2], $1) }
    }
    /// x/2 (1 + erf(x/sqrt 2)), the exact form.
    package func gelu() -> Tensor { Self.make("GELU", self) { sp_gelu($0[0], $1) } }
    /// exp(x) / sum of exp(x) along a dimension.
    public func softmax(over dimension: Int = -1) -> Tensor {
        Self.make("softmax", self) { sp_softmax($0[0], Int64(dimension), $1) }
    }
    package func logSoftmax(over dimension: Int = -1) -> Tensor {
        Self.make("log-softmax", self) { sp_log_softmax($0[0], Int64(dimension), $1) }
    }
    /// Queries, keys and values `[images, tokens, 3 * width]`, each of `heads` parts of e numbers, to softmax(q k^T / sqrt e) v of
    /// all heads: `[images, tokens, width]`.
    package func selfAttention(heads: Int) -> Tensor {
        Self.make("self-attention", self) { sp_self_attention($0[0], Int64(heads), $1) }
    }
    /// Row j becomes gain_j v_j / |v_j|; `gain` `[rows, 1]`.
    package func weightNormalized(gain: Tensor) -> Tensor {
        Self.make("weight norm", self, gain) { sp_weight_norm($0[0], $0[1], $1) }
    }
    /// `self` `[images, channels, rows, columns]`, `weight` `[out, channels, k, k]`.
    package func convolved(_ weight: Tensor, _ bias: Tensor?, stride: Int = 1, padding: Int = 0) -> Tensor {
        Self.make("convolution", self, weight, bias) {
            sp_convolution($0[0], $0[1], $0[2], Int64(stride), Int64(padding), $1)
        }
    }
    /// `weight` `[channels, out, k, k]`.
    package func transposedConvolved(_ weight: Tensor, _ bias: Tensor?, stride: Int) -> Tensor {
        Self.make("transposed convolution", self, weight, bias) {
            sp_transposed_convolution($0[0], $0[1], $0[2], Int64(stride), $1)
        }
    }
    /// Running `mean` and `variance` are changed in place while training.
    package func batchNormalized(
        weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, training: Bool, momentum: Double, epsilon: Double
    ) -> Tensor {
        Self.make("batch norm", self, weight, bias, mean, variance) {
            sp_batch_norm($0[0], $0[1], $0[2], $0[3], $0[4], training, momentum, epsilon, $1)
        }
    }
    package func maxPooled(_ size: Int, stride: Int, padding: Int = 0) -> Tensor {
        Self.make("max pool", self) { sp_max_pool($0[0], Int64(size), Int64(stride), Int64(padding), $1) }
    }
    package func meanPooled(to grid: Grid) -> Tensor {
        Self.make("mean pool", self) { sp_adaptive_mean_pool($0[0], Int64(grid.rows), Int64(grid.columns), $1) }
    }
    /// Maps `[images, channels, rows, columns]` on another grid, bilinearly; the outer edges lie on each other.
    public func resizedBilinear(to grid: Grid) -> Tensor {
        Self.make("bilinear resize", self) { sp_resize_bilinear($0[0], Int64(grid.rows), Int64(grid.columns), $1) }
    }
    package func resizedNearest(to grid: Grid) -> Tensor {
        Self.make("nearest resize", self) { sp_resize_nearest($0[0], Int64(grid.rows), Int64(grid.columns), $1) }
    }
    package func resizedBicubic(to grid: Grid, antialiased: Bool = false) -> Tensor {
        Self.make("bicubic resize", self) {
            sp_resize_bicubic($0[0], Int64(grid.rows), Int64(grid.columns), antialiased, $1)
        }
    }
    /// The mean over labels that are not `ignoring`; `self` `[n, classes, ...]`, `labels` `[n, ...]` int64.
    package func crossEntropy(_ labels: Tensor, ignoring: Int = -100) -> Tensor {
        Self.make("cross-entropy", self, labels) { sp_cross_entropy($0[0], $0[1], Int64(ignoring), $1) }
    }
    /// -t log s(x) - (1 - t) log(1 - s(x)) of each logit x, s the sigmoid, and its target t in [0, 1], of one shape and type.
    package func binaryCrossEntropies(_ targets: Tensor) -> Tensor {
        Self.make("binary cross-entropies", self, targets) { sp_binary_cross_entropies($0[0], $0[1], $1) }
    }
}
