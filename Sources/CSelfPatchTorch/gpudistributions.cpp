// Distributions, losses and their gradients on a GPU: the objective's element-wise half, which would otherwise go through the GPU's
// memory a dozen times in float32.
#include "gpukernel.hpp"

#include <ATen/ATen.h>

#include <algorithm>

namespace selfpatch {

namespace {

#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char text[] = {
#embed "kernels/distributions.cu"
    , 0};

/// Pairs that a thread holds, as the text has it, and the longest row that fits a block then.
constexpr int64_t held = 8, longest = 2 * held * 1024;

GPUKernel kernel(const char *name, const char *nameOfLong, const at::Tensor &rows) {
    return {text, rows.size(1) > longest ? nameOfLong : name, elementDefinition(rows.scalar_type())};
}

/// One block a row, of as few warps as hold it.
GPUGrid grid(const at::Tensor &rows) {
    int64_t warps = (rows.size(1) + 2 * held * 32 - 1) / (2 * held * 32);
    return {rows.size(0), static_cast<int>(32 * std::min<int64_t>(warps, 32))};
}

void checkRows(const at::Tensor &rows, const char *name) {
    TORCH_CHECK(rows.dim() == 2 && rows.size(1) > 0 && rows.size(1) % 2 == 0, name, ": rows of an even number, not ", rows.sizes());
}

} // namespace

at::Tensor centeredSoftmaxOnGPU(const at::Tensor &logits, const at::Tensor &center, float inverse) {
    checkRows(logits, "logits");
    TORCH_CHECK(center.numel() == logits.size(1), "a center of ", center.sizes(), " for logits of ", logits.sizes());
    auto type = logits.scalar_type();
    auto out = type == at::kFloat ? logits : at::empty(logits.sizes(), logits.options().dtype(at::kFloat));
    launch(
        kernel("centered_softmax", "centered_softmax_of_long_rows", logits), logits.device(), grid(logits),
        start(logits, type, "logits"), start(center, at::kFloat, "the center"), start(out, at::kFloat, "distributions"), static_cast<int>(logits.size(1)), inverse);
    return out;
}

at::Tensor crossEntropyIntoGradientOnGPU(
    const at::Tensor &products, const at::Tensor &targets, float inverse, float mass, float weight) {
    checkRows(products, "products");
    TORCH_CHECK(
        targets.dim() == 2 && targets.size(0) > 0 && targets.size(1) == products.size(1) && products.size(0) % targets.size(0) == 0,
        "targets of another shape");
    auto type = products.scalar_type();
    auto losses = at::empty({products.size(0)}, products.options().dtype(at::kDouble));
    launch(
        kernel("cross_entropy_into_gradient", "cross_entropy_into_gradient_of_long_rows", products), products.device(),
        grid(products), start(products, type, "products"), start(targets, at::kFloat, "targets"), losses.data_ptr(), static_cast<int>(products.size(1)),
        static_cast<int>(targets.size(0)), inverse, mass, weight);
    return losses.sum().to(at::kFloat);
}

} // namespace selfpatch
