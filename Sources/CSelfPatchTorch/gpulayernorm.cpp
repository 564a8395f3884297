// Layer norm on a GPU as products in bf16 want it: rounded where it is made, rather than written in float32 and cast in a second pass.
#include "gpukernel.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace selfpatch {

namespace {

#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char text[] = {
#embed "kernels/layernorm.cu"
    , 0};

constexpr int threads = 256;
constexpr int rowsAtOnce = threads / 32;

GPUKernel kernel(const char *name, int64_t width) { return {text, name, "-DWIDTH=" + std::to_string(width)}; }

struct LayerNorm : torch::autograd::Function<LayerNorm> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias,
        double epsilon) {
        int64_t width = input.size(-1), rows = input.numel() / width;
        auto out = at::empty(input.sizes(), input.options().dtype(at::kBFloat16));
        auto means = at::empty({rows}, input.options()), inverses = at::empty({rows}, input.options());
        launch(
            kernel("layer_norm", width), input.device(), {(rows + rowsAtOnce - 1) / rowsAtOnce, threads},
            start(input, at::kFloat, "tokens"), start(weight, at::kFloat, "weight"), start(bias, at::kFloat, "bias"),
            start(out, at::kBFloat16, "result"), means.data_ptr(), inverses.data_ptr(),
            static_cast<long long>(rows), static_cast<float>(epsilon));
        context->save_for_backward({input, weight, means, inverses});
        return out;
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        auto saved = context->get_saved_variables();
        const auto &input = saved[0], &weight = saved[1], &means = saved[2], &inverses = saved[3];
        int64_t width = input.size(-1), rows = input.numel() / width;
        auto from = upstream[0].contiguous();
        auto gradient = at::empty_like(input);
        // As many blocks as keep a large GPU busy; each warp goes through many rows and leaves one sum of them.
        int64_t blocks = std::max<int64_t>(1, std::min<int64_t>(264, rows / (4 * rowsAtOnce)));
        auto sums = at::empty({blocks * rowsAtOnce, 2, width}, input.options());
        launch(
            kernel("layer_norm_gradient", width), input.device(), {blocks, threads}, start(from, at::kBFloat16, "upstream"),
            input.data_ptr(), weight.data_ptr(), means.data_ptr(), inverses.data_ptr(), gradient.data_ptr(), sums.data_ptr(),
            static_cast<long long>(rows));
        auto ofParameters = sums.sum(0);
        return {gradient, ofParameters.select(0, 0), ofParameters.select(0, 1), at::Tensor()};
    }
};

} // namespace

at::Tensor layerNormOnGPU(const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, double epsilon) {
    TORCH_CHECK(suitsLayerNormOnGPU(input.size(-1)), "layer norm of rows of ", input.size(-1), " by the GPU's kernel");
    return LayerNorm::apply(input, weight, bias, epsilon);
}

} // namespace selfpatch
