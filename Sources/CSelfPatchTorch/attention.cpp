// Attention of an image's tokens to one another, straight from the queries, keys and values of one product to the tokens' own
// layout: no copy is made of either, and an image's weights of one head stay in the processor's cache. Those of many tokens are made
// for a block of queries at a time.
#include "guard.hpp"
#include "parallel.hpp"
#include "products.hpp"
#include "vectormath.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
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

/// Above this many tokens the weights of one head would leave the cache: they are made for some queries at a time.
constexpr int64_t mostWhole = 512;
/// Queries and keys that are taken together then. Every product has one of few shapes, for each shape is compiled when first met.
constexpr int64_t queryBlock = 64, keyBlock = 256;
/// Queries that one thread takes; a multiple of the block.
constexpr int64_t queryChunk = 1024;

void multiply(
    int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
    at::native::cpublas::brgemm(m, n, k, lda, ldb, ldc, false, a, b, c, false);
}

SP_EVERY_WIDTH void transpose(const float *from, int64_t stride, int64_t rows, int64_t columns, float *to, int64_t toStride) {
    transposeSquares(from, stride, rows, columns, to, toStride);
}

/// The first `count` of each row of `weights` [rows, stride] become softmax(scale * row), what is behind them 0.
SP_EVERY_WIDTH void softmaxRows(float *weights, int64_t rows, int64_t count, int64_t stride, float scale) {
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
        float inverse = 1 / sum;
        for (int64_t j = 0; j < count; ++j) row[j] *= inverse;
        for (int64_t j = count; j < stride; ++j) row[j] = 0;
    }
}

/// Gradients of weights become those of the scaled products: g = scale w (g - sum of w g over the row); behind the row, where the
/// weights are 0, they are 0.
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
            softmaxRows(weights.data(), n, n, n, l.scale);
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
            softmaxRows(weights.data(), n, n, n, l.scale);
            transpose(weights.data(), n, n, n, square.data(), n);
            multiply(n, e, n, square.data(), n, g, l.width, gv, stride);
            transpose(v, stride, n, e, turned.data(), n);
            multiply(n, n, e, g, l.width, turned.data(), n, gradients.data(), n);
            softmaxGradients(gradients.data(), weights.data(), n, n, n, l.scale);
            multiply(n, e, n, gradients.data(), n, k, stride, gq, stride);
            transpose(gradients.data(), n, n, n, square.data(), n);
            multiply(n, e, n, square.data(), n, q, stride, gk, stride);
        }
        at::native::cpublas::brgemm_release(false);
    });
    return result;
}

/// Rows [n, each] of queries, keys or values, filled up with 0 to whole blocks.
struct Rows {
    int64_t blocks, each;
    /// Block by block [keyBlock, each].
    std::vector<float> straight;
    /// Block by block [each, keyBlock].
    std::vector<float> turned;

    Rows(const float *from, int64_t stride, int64_t n, int64_t each, bool wantsStraight, bool wantsTurned)
        : blocks((n + keyBlock - 1) / keyBlock), each(each), straight(wantsStraight ? blocks * keyBlock * each : 0),
          turned(wantsTurned ? blocks * keyBlock * each : 0) {
        for (int64_t i = 0; wantsStraight && i < n; ++i) std::copy_n(from + i * stride, each, straight.data() + i * each);
        for (int64_t b = 0; wantsTurned && b < blocks; ++b) {
            int64_t rows = std::min(keyBlock, n - b * keyBlock);
            transpose(from + b * keyBlock * stride, stride, rows, each, turned.data() + b * keyBlock * each, keyBlock);
        }
    }
};

/// Products of a block of queries with all rows: `to` [queryBlock, blocks * keyBlock].
void multiplyTurned(const float *queries, int64_t stride, const Rows &rows, float *to) {
    for (int64_t b = 0; b < rows.blocks; ++b) {
        multiply(
            queryBlock, keyBlock, rows.each, queries, stride, rows.turned.data() + b * keyBlock * rows.each, keyBlock,
            to + b * keyBlock, rows.blocks * keyBlock);
    }
}

/// Sums of all rows by weights [queryBlock, blocks * keyBlock]: `to` [queryBlock, each].
void multiplyStraight(const float *weights, const Rows &rows, float *to) {
    for (int64_t b = 0; b < rows.blocks; ++b) {
        at::native::cpublas::brgemm(
            queryBlock, rows.each, keyBlock, rows.blocks * keyBlock, rows.each, rows.each, b > 0, weights + b * keyBlock,
            rows.straight.data() + b * keyBlock * rows.each, to, false);
    }
}

/// What a block of queries adds to each row: `to` [blocks * keyBlock, each] += weights^T `queries`.
void addTransposed(
    const float *weights, int64_t blocks, const float *queries, int64_t stride, int64_t each, float *square, float *to) {
    transpose(weights, blocks * keyBlock, queryBlock, blocks * keyBlock, square, queryBlock);
    for (int64_t b = 0; b < blocks; ++b) {
        at::native::cpublas::brgemm(
            keyBlock, each, queryBlock, queryBlock, stride, each, true, square + b * keyBlock * queryBlock, queries,
            to + b * keyBlock * each, false);
    }
}

/// The blocks of some queries. The last one ends with them and begins where it must: `fresh` of its rows, from the end, are new.
template <typename Body> void forEachQueryBlock(int64_t begin, int64_t end, const Body &body) {
    for (int64_t first = begin; first < end; first += queryBlock) {
        int64_t fresh = std::min(queryBlock, end - first);
        body(first + fresh - queryBlock, fresh);
    }
}

at::Tensor attendedInBlocks(const at::Tensor &queryKeyValue, int64_t heads) {
    Layout l(queryKeyValue, heads);
    auto result = at::empty({l.images, l.tokens, l.width}, queryKeyValue.options());
    const float *source = queryKeyValue.data_ptr<float>();
    float *target = result.data_ptr<float>();
    int64_t chunks = (l.tokens + queryChunk - 1) / queryChunk;
    parallelRows(l.images * heads * chunks, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens, e = l.each, stride = 3 * l.width;
        std::vector<float> sums(queryBlock * e), weights;
        for (int64_t part = begin; part < end; ++part) {
            int64_t pair = part / chunks, chunk = part % chunks;
            const float *q = source + l.input(pair);
            Rows keys(q + l.width, stride, n, e, false, true), values(q + 2 * l.width, stride, n, e, true, false);
            weights.resize(queryBlock * keys.blocks * keyBlock);
            forEachQueryBlock(chunk * queryChunk, std::min(n, (chunk + 1) * queryChunk), [&](int64_t first, int64_t fresh) {
                multiplyTurned(q + first * stride, stride, keys, weights.data());
                softmaxRows(weights.data(), queryBlock, n, keys.blocks * keyBlock, l.scale);
                multiplyStraight(weights.data(), values, sums.data());
                for (int64_t i = queryBlock - fresh; i < queryBlock; ++i) {
                    std::copy_n(sums.data() + i * e, e, target + l.output(pair) + (first + i) * l.width);
                }
            });
        }
        at::native::cpublas::brgemm_release(false);
    });
    return result;
}

at::Tensor attendedGradientInBlocks(const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads) {
    Layout l(queryKeyValue, heads);
    auto result = at::empty_like(queryKeyValue);
    const float *source = queryKeyValue.data_ptr<float>(), *above = upstream.data_ptr<float>();
    float *target = result.data_ptr<float>();
    parallelRows(l.images * heads, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens, e = l.each, stride = 3 * l.width;
        for (int64_t pair = begin; pair < end; ++pair) {
            const float *q = source + l.input(pair), *g = above + l.output(pair);
            Rows keys(q + l.width, stride, n, e, true, true), values(q + 2 * l.width, stride, n, e, false, true);
            int64_t padded = keys.blocks * keyBlock;
            std::vector<float> weights(queryBlock * padded), gradients(queryBlock * padded), square(queryBlock * padded);
            std::vector<float> ofKeys(padded * e), ofValues(padded * e), ofQueries(queryBlock * e);
            forEachQueryBlock(0, n, [&](int64_t first, int64_t fresh) {
                multiplyTurned(q + first * stride, stride, keys, weights.data());
                softmaxRows(weights.data(), queryBlock, n, padded, l.scale);
                // Queries that were there before add nothing again.
                std::fill_n(weights.data(), (queryBlock - fresh) * padded, 0.0f);
                addTransposed(
                    weights.data(), keys.blocks, g + first * l.width, l.width, e, square.data(), ofValues.data());
                multiplyTurned(g + first * l.width, l.width, values, gradients.data());
                softmaxGradients(gradients.data(), weights.data(), queryBlock, n, padded, l.scale);
                multiplyStraight(gradients.data(), keys, ofQueries.data());
                for (int64_t i = queryBlock - fresh; i < queryBlock; ++i) {
                    std::copy_n(ofQueries.data() + i * e, e, target + l.input(pair) + (first + i) * stride);
                }
                addTransposed(
                    gradients.data(), keys.blocks, q + first * stride, stride, e, square.data(), ofKeys.data());
            });
            for (int64_t i = 0; i < n; ++i) {
                float *to = target + l.input(pair) + i * stride;
                std::copy_n(ofKeys.data() + i * e, e, to + l.width);
                std::copy_n(ofValues.data() + i * e, e, to + 2 * l.width);
            }
        }
        at::native::cpublas::brgemm_release(false);
    });
    return result;
}

at::Tensor attention(const at::Tensor &queryKeyValue, int64_t heads) {
    return queryKeyValue.size(1) <= mostWhole ? attended(queryKeyValue, heads) : attendedInBlocks(queryKeyValue, heads);
}

at::Tensor attentionGradient(const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads) {
    return queryKeyValue.size(1) <= mostWhole ? attendedGradient(queryKeyValue, upstream, heads)
                                              : attendedGradientInBlocks(queryKeyValue, upstream, heads);
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

bool suits(const at::Tensor &queryKeyValue) {
    return oneDNNSuits() && queryKeyValue.scalar_type() == at::kFloat && queryKeyValue.device().is_cpu()
        && queryKeyValue.is_contiguous() && queryKeyValue.numel() > 0;
}

} // namespace

sp_error *sp_self_attention(sp_tensor queryKeyValue, int64_t heads, sp_tensor *out) {
    return guarded([&] {
        const auto &input = borrow(queryKeyValue);
        if (suits(input)) {
            *out = give(isRecorded(input) ? SelfAttention::apply(input, heads) : attention(input, heads));
            return;
        }
        int64_t images = input.size(0), tokens = input.size(1), width = input.size(2) / 3;
        if (input.scalar_type() == at::kBFloat16 && tokens > mostWhole && input.device().is_cpu() && oneDNNSuits()) {
            // Of many tokens libtorch's attention in bf16 takes longer than ours in float32.
            auto wide = input.to(at::kFloat).contiguous();
            auto result = isRecorded(wide) ? SelfAttention::apply(wide, heads) : attention(wide, heads);
            *out = give(result.to(at::kBFloat16));
            return;
        }
        auto parts = input.reshape({images, tokens, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
        auto result = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
        *out = give(result.transpose(1, 2).reshape({images, tokens, width}));
    });
}
