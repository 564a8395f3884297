// Matrix products on the CPU by whichever of libtorch's two libraries is fast on this processor.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace selfpatch {

/// Whether oneDNN's float32 products are the faster ones on this processor.
bool oneDNNSuits();
/// a b for matrices; batches and other types as at::matmul has them.
at::Tensor product(const at::Tensor &a, const at::Tensor &b);
/// beta * into + alpha * a b, in place.
void productInto(at::Tensor into, const at::Tensor &a, const at::Tensor &b, double beta, double alpha);
/// input weight^T + bias over the last dimension.
at::Tensor linear(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias);

} // namespace selfpatch
