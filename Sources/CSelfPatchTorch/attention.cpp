// Attention of an image's tokens to one another, straight from the queries, keys and values of one product to the tokens' own
// layout: no copy is made of either, and an image's weights of one head stay in the processor's cache.
#include "guard.hpp"
#include "parallel.hpp"
#include "products.hpp"
#include "vectormath.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

namespace at::native::cpublas {
// Of libtorch, but in none of its headers: C = A B (+ C) for small row-major matrices, with oneDNN.
void brgemm(
    int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, bool add, const float *a, const float *b, float *c,
    bool isPacked);
void brgemm_release(bool isPacked);
} // namespace at::native::cpublas

using namespace selfpatch;

namespace {

/// Above this many tokens the weights of one head leave the cache, and libtorch's attention, which never has them whole, is better.
constexpr int64_t mostTokens = 512;

void multiply(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
    at::native::cpublas::brgemm(m, n, k, lda, ldb, ldc, false, a, b, c, false);
}

SP_EVERY_WIDTH void transpose(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    transposeSquares(from, stride, rows, columns, to, toStride);
}

/// Each row of `weights` [rows, count] becomes softmax(scale * row).
SP_EVERY_WIDTH void softmaxRows(float *weights, int64_t rows, int64_t count, float scale) {
    for (int64_t i = 0; i < rows; ++i) {
        float *row = weights + i * count;
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
        float inverse = 1 / sum;
        for (int64_t j = 0; j < count; ++j) row[j] *= inverse;
    }
}

/// Gradients of weights become those of the scaled products: g = scale w (g - sum of w g over the row).
SP_EVERY_WIDTH void softmaxGradients(float *gradients, const float *weights, int64_t rows, int64_t count, float scale) {
    for (int64_t i = 0; i < rows; ++i) {
        float *g = gradients + i * count;
        const float *w = weights + i * count;
        float sum = 0;
        {
#pragma clang fp reassociate(on)
            for (int64_t j = 0; j < count; ++j) sum += w[j] * g[j];
        }
        for (int64_t j = 0; j < count; ++j) g[j] = scale * w[j] * (g[j] - sum);
    }
}

/// Sizes of a call, and where one head of one image begins.
struct Layout {
    int64_t images, tokens, heads, width, each;
    float scale;

    Layout(const at::Tensor &queryKeyValue, int64_t heads)
        : images(queryKeyValue.size(0)), tokens(queryKeyValue.size(1)), heads(heads), width(queryKeyValue.size(2) / 3),
          each(width / heads), scale(1 / std::sqrt(static_cast<float>(each))) {}

    int64_t input(int64_t pair) const { return pair / heads * tokens * 3 * width + pair % heads * each; }
    int64_t output(int64_t pair) const { return pair / heads * tokens * width + pair % heads * each; }
};

at::Tensor attended(const at::Tensor &queryKeyValue, int64_t heads) {
    Layout l(queryKeyValue, heads);
    auto result = at::empty({l.images, l.tokens, l.width}, queryKeyValue.options());
    const float *source = queryKeyValue.data_ptr<float>();
    float *target = result.data_ptr<float>();
    parallelRows(l.images * heads, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens, e = l.each, stride = 3 * l.width;
        std::vector<float> keys(e * n), weights(n * n);
        for (int64_t pair = begin; pair < end; ++pair) {
            const float *q = source + l.input(pair), *k = q + l.width, *v = k + l.width;
            transpose(k, stride, n, e, keys.data(), n);
            multiply(n, n, e, q, stride, keys.data(), n, weights.data(), n);
            softmaxRows(weights.data(), n, n, l.scale);
            multiply(n, e, n, weights.data(), n, v, stride, target + l.output(pair), l.width);
        }
        at::native::cpublas::brgemm_release(false);
    });
    return result;
}

at::Tensor attendedGradient(const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads) {
    Layout l(queryKeyValue, heads);
    auto result = at::empty_like(queryKeyValue);
    const float *source = queryKeyValue.data_ptr<float>(), *above = upstream.data_ptr<float>();
    float *target = result.data_ptr<float>();
    parallelRows(l.images * heads, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens, e = l.each, stride = 3 * l.width;
        // The weights are made again: keeping them would cost more memory than all tokens of a block.
        std::vector<float> turned(e * n), weights(n * n), gradients(n * n), square(n * n);
        for (int64_t pair = begin; pair < end; ++pair) {
            const float *q = source + l.input(pair), *k = q + l.width, *v = k + l.width, *g = above + l.output(pair);
            float *gq = target + l.input(pair), *gk = gq + l.width, *gv = gk + l.width;
            transpose(k, stride, n, e, turned.data(), n);
            multiply(n, n, e, q, stride, turned.data(), n, weights.data(), n);
            softmaxRows(weights.data(), n, n, l.scale);
            transpose(weights.data(), n, n, n, square.data(), n);
            multiply(n, e, n, square.data(), n, g, l.width, gv, stride);
            transpose(v, stride, n, e, turned.data(), n);
            multiply(n, n, e, g, l.width, turned.data(), n, gradients.data(), n);
            softmaxGradients(gradients.data(), weights.data(), n, n, l.scale);
            multiply(n, e, n, gradients.data(), n, k, stride, gq, stride);
            transpose(gradients.data(), n, n, n, square.data(), n);
            multiply(n, e, n, square.data(), n, q, stride, gk, stride);
        }
        at::native::cpublas::brgemm_release(false);
    });
    return result;
}

struct SelfAttention : torch::autograd::Function<SelfAttention> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &queryKeyValue, int64_t heads) {
        context->save_for_backward({queryKeyValue});
        context->saved_data["heads"] = heads;
        return attended(queryKeyValue, heads);
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        return {
            attendedGradient(
                context->get_saved_variables()[0], upstream[0].contiguous(), context->saved_data["heads"].toInt()),
            at::Tensor()};
    }
};

bool suits(const at::Tensor &queryKeyValue) {
    return oneDNNSuits() && queryKeyValue.scalar_type() == at::kFloat && queryKeyValue.device().is_cpu()
        && queryKeyValue.is_contiguous() && queryKeyValue.numel() > 0 && queryKeyValue.size(1) <= mostTokens;
}

} // namespace

sp_error *sp_self_attention(sp_tensor queryKeyValue, int64_t heads, sp_tensor *out) {
    return guarded([&] {
        const auto &input = borrow(queryKeyValue);
        if (suits(input)) {
            bool isRecorded = at::GradMode::is_enabled() && input.requires_grad();
            *out = give(isRecorded ? SelfAttention::apply(input, heads) : attended(input, heads));
            return;
        }
        int64_t images = input.size(0), tokens = input.size(1), width = input.size(2) / 3;
        auto parts = input.reshape({images, tokens, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
        auto result = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
        *out = give(result.transpose(1, 2).reshape({images, tokens, width}));
    });
}
