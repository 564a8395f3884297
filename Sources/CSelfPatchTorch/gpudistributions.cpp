// Distributions, losses and their gradients on a GPU: the objective's element-wise half, which would otherwise go through the GPU's
// memory a dozen times in float32.
#include "gpukernel.hpp"

#include <ATen/ATen.h>

namespace selfpatch {

namespace {

#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char text[] = {
#embed "kernels/distributions.cu"
    , 0};

GPUKernel kernel(const char *name, at::ScalarType type) {
    TORCH_CHECK(type == at::kFloat || type == at::kBFloat16, name, ": float32 or bf16 is needed, not ", type);
    return {text, name, type == at::kFloat ? "-DELEMENT=float" : "-DELEMENT=BFloat16"};
}

/// One block a row; long rows keep more threads busy.
GPUGrid grid(const at::Tensor &rows) { return {rows.size(0), rows.size(1) < 16384 ? 256 : 1024}; }

void check(const at::Tensor &rows, const char *name) {
    TORCH_CHECK(
        rows.dim() == 2 && rows.is_contiguous() && rows.size(1) % 2 == 0 && rows.size(1) > 0, name, ": rows of an even number in one piece, not ",
        rows.sizes());
}

void checkFloats(const at::Tensor &tensor, const char *name) {
    TORCH_CHECK(tensor.is_cuda() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous(), name, ": float32 in one piece");
}

} // namespace

at::Tensor centeredSoftmaxOnGPU(const at::Tensor &logits, const at::Tensor &center, float inverse) {
    check(logits, "logits");
    checkFloats(center, "the center");
    TORCH_CHECK(center.numel() == logits.size(1), "a center of ", center.sizes(), " for logits of ", logits.sizes());
    auto out = logits.scalar_type() == at::kFloat ? logits : at::empty(logits.sizes(), logits.options().dtype(at::kFloat));
    launch(
        kernel("centered_softmax", logits.scalar_type()), logits.device(), grid(logits), logits.data_ptr(), center.data_ptr(),
        out.data_ptr(), static_cast<int>(logits.size(1)), inverse);
    return out;
}

at::Tensor crossEntropyIntoGradientOnGPU(
    const at::Tensor &products, const at::Tensor &targets, float inverse, float mass, float weight) {
    check(products, "products");
    check(targets, "targets");
    checkFloats(targets, "targets");
    TORCH_CHECK(
        targets.size(1) == products.size(1) && products.size(0) % targets.size(0) == 0, "targets of another shape");
    auto losses = at::empty({products.size(0)}, products.options().dtype(at::kDouble));
    launch(
        kernel("cross_entropy_into_gradient", products.scalar_type()), products.device(), grid(products), products.data_ptr(),
        targets.data_ptr(), losses.data_ptr(), static_cast<int>(products.size(1)), static_cast<int>(targets.size(0)), inverse, mass,
        weight);
    return losses.sum().to(at::kFloat);
}

} // namespace selfpatch
