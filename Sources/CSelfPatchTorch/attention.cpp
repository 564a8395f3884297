// Attention of an image's tokens to one another, straight from the queries, keys and values of one product to the tokens' own
// layout: no copy is made of either, and an image's weights of one head stay in the processor's cache. In bf16 the products are
// of bf16, their sums and the softmax of float32.
#include "attention.hpp"
#include "guard.hpp"
#include "parallel.hpp"
#include "products.hpp"
#include "vectormath.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace selfpatch {

SP_EVERY_WIDTH void softmaxRows(float *weights, int64_t rows, int64_t count, int64_t stride, float scale, float *sums) {
    for (int64_t i = 0; i < rows; ++i) {
        float *row = weights + i * stride;
        float top = largest(row, nullptr, count);
        float sum = 0;
        {
#pragma clang fp reassociate(on)
            for (int64_t j = 0; j < count; ++j) {
                float e = exponential((row[j] - top) * scale);
                row[j] = e;
                sum += e;
            }
        }
        for (int64_t j = count; j < stride; ++j) row[j] = 0;
        if (sums) {
            sums[i] = sum;
            continue;
        }
        float inverse = 1 / sum;
        for (int64_t j = 0; j < count; ++j) row[j] *= inverse;
    }
}

SP_EVERY_WIDTH void softmaxGradients(
    float *gradients, const float *weights, int64_t rows, int64_t count, int64_t stride, float scale) {
    for (int64_t i = 0; i < rows; ++i) {
        float *g = gradients + i * stride;
        const float *w = weights + i * stride;
        float sum = 0;
        {
#pragma clang fp reassociate(on)
            for (int64_t j = 0; j < count; ++j) sum += w[j] * g[j];
        }
        for (int64_t j = 0; j < count; ++j) g[j] = scale * w[j] * (g[j] - sum);
        for (int64_t j = count; j < stride; ++j) g[j] = 0;
    }
}

SP_EVERY_WIDTH void divideRows(float *numbers, int64_t rows, int64_t columns, const float *sums) {
    for (int64_t i = 0; i < rows; ++i) {
        float inverse = 1 / sums[i];
        for (int64_t j = 0; j < columns; ++j) numbers[i * columns + j] *= inverse;
    }
}

} // namespace selfpatch

using namespace selfpatch;

namespace {

/// Above this many tokens the weights of one head would leave the cache: they are made for some queries at a time.
constexpr int64_t mostWhole = 512;

template <typename Element> at::Tensor attended(const at::Tensor &queryKeyValue, int64_t heads) {
    auto result = at::empty(
        {queryKeyValue.size(0), queryKeyValue.size(1), queryKeyValue.size(2) / 3}, queryKeyValue.options());
    auto attend = queryKeyValue.size(1) <= mostWhole ? attendWhole<Element> : attendInBlocks<Element>;
    attend(queryKeyValue, heads, result);
    return result;
}

template <typename Element>
at::Tensor attendedGradient(const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads) {
    auto result = at::empty_like(queryKeyValue);
    auto attend = queryKeyValue.size(1) <= mostWhole ? attendWholeGradient<Element> : attendInBlocksGradient<Element>;
    attend(queryKeyValue, upstream, heads, result);
    return result;
}

at::Tensor attention(const at::Tensor &queryKeyValue, int64_t heads) {
    bool isShort = queryKeyValue.scalar_type() == at::kBFloat16;
    return isShort ? attended<at::BFloat16>(queryKeyValue, heads) : attended<float>(queryKeyValue, heads);
}

at::Tensor attentionGradient(const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads) {
    bool isShort = queryKeyValue.scalar_type() == at::kBFloat16;
    return isShort ? attendedGradient<at::BFloat16>(queryKeyValue, upstream, heads)
                   : attendedGradient<float>(queryKeyValue, upstream, heads);
}

struct SelfAttention : torch::autograd::Function<SelfAttention> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &queryKeyValue, int64_t heads) {
        context->save_for_backward({queryKeyValue});
        context->saved_data["heads"] = heads;
        return attention(queryKeyValue, heads);
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        return {
            attentionGradient(
                context->get_saved_variables()[0], upstream[0].contiguous(), context->saved_data["heads"].toInt()),
            at::Tensor()};
    }
};

bool suits(const at::Tensor &queryKeyValue, int64_t heads) {
    if (!oneDNNSuits() || !queryKeyValue.device().is_cpu() || !queryKeyValue.is_contiguous()
        || queryKeyValue.numel() == 0) {
        return false;
    }
    // A head of bf16 begins and ends with a whole word.
    bool hasWords = queryKeyValue.size(2) / 3 / heads % 2 == 0 && queryKeyValue.storage_offset() % 2 == 0;
    auto type = queryKeyValue.scalar_type();
    return type == at::kFloat || (type == at::kBFloat16 && hasWords && multipliesBFloat16());
}

at::Tensor attend(const at::Tensor &queryKeyValue, int64_t heads) {
    return isRecorded(queryKeyValue) ? SelfAttention::apply(queryKeyValue, heads) : attention(queryKeyValue, heads);
}

} // namespace

sp_error *sp_self_attention(sp_tensor queryKeyValue, int64_t heads, sp_tensor *out) {
    return guarded([&] {
        const auto &input = borrow(queryKeyValue);
        if (suits(input, heads)) {
            *out = give(attend(input, heads));
            return;
        }
        int64_t images = input.size(0), tokens = input.size(1), width = input.size(2) / 3;
        if (input.scalar_type() == at::kBFloat16 && tokens > mostWhole && input.device().is_cpu() && oneDNNSuits()) {
            // Of many tokens libtorch's attention in bf16 takes longer than ours in float32.
            *out = give(attend(input.to(at::kFloat).contiguous(), heads).to(at::kBFloat16));
            return;
        }
        // One operation whose backward puts all three gradients together: of three selections each would be a sum over all of it.
        auto parts = input.reshape({images, tokens, 3, heads, width / heads}).unbind(2);
        auto result =
            at::scaled_dot_product_attention(parts[0].transpose(1, 2), parts[1].transpose(1, 2), parts[2].transpose(1, 2));
        *out = give(result.transpose(1, 2).reshape({images, tokens, width}));
    });
}
