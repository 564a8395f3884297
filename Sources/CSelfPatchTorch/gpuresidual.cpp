// The sum at the end of a residual branch on a GPU, in one pass: libtorch's operations on tensors of two types take their slowest way.
#include "gpukernel.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace selfpatch {

namespace {

#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char text[] = {
#embed "kernels/residual.cu"
    , 0};

constexpr int threads = 256;
constexpr int64_t pairsOfBlock = 4 * threads;

GPUGrid grid(int64_t pairs) { return {(pairs + pairsOfBlock - 1) / pairsOfBlock, threads}; }

void *startOf(const std::optional<at::Tensor> &factors) { return factors ? start(*factors, at::kFloat, "factors") : nullptr; }

struct ScaledAddition : torch::autograd::Function<ScaledAddition> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &tokens, const at::Tensor &branch,
        const std::optional<at::Tensor> &factors) {
        context->saved_data["factors"] = factors;
        auto out = at::empty_like(tokens);
        int64_t pairs = tokens.numel() / 2;
        launch(
            {text, "add_scaled", ""}, tokens.device(), grid(pairs), start(tokens, at::kFloat, "tokens"),
            start(branch, at::kBFloat16, "a branch"), startOf(factors), out.data_ptr(), static_cast<unsigned>(pairs),
            static_cast<unsigned>(pairs / tokens.size(0)));
        return out;
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        auto factors = context->saved_data["factors"].toOptional<at::Tensor>();
        auto from = upstream[0].contiguous();
        auto gradient = at::empty(from.sizes(), from.options().dtype(at::kBFloat16));
        int64_t pairs = from.numel() / 2;
        launch(
            {text, "scale_rounded", ""}, from.device(), grid(pairs), start(from, at::kFloat, "upstream"), startOf(factors),
            gradient.data_ptr(), static_cast<unsigned>(pairs), static_cast<unsigned>(pairs / from.size(0)));
        return {upstream[0], gradient, at::Tensor()};
    }
};

} // namespace

at::Tensor addScaledOnGPU(const at::Tensor &tokens, const at::Tensor &branch, const std::optional<at::Tensor> &factors) {
    TORCH_CHECK(
        tokens.sizes() == branch.sizes() && (!factors || factors->numel() == tokens.size(0)), "a branch of ", branch.sizes(),
        " for tokens of ", tokens.sizes());
    return ScaledAddition::apply(tokens, branch, factors);
}

} // namespace selfpatch
