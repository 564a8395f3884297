// What attention over few and over many tokens share.
#pragma once
#include "operands.hpp"

#include <ATen/core/Tensor.h>

#include <cmath>

namespace selfpatch {

/// Sizes of a call, and where one head of one image begins.
template <typename Element> struct AttentionLayout {
    int64_t images, tokens, heads;
    /// Numbers of a token's head.
    int64_t each;
    /// Words of a token's head, and of all its heads.
    int64_t words, width;
    float scale;

    /// - queryKeyValue: [images, tokens, 3 * heads * each]
    AttentionLayout(const at::Tensor &queryKeyValue, int64_t heads)
        : images(queryKeyValue.size(0)), tokens(queryKeyValue.size(1)), heads(heads),
          each(queryKeyValue.size(2) / 3 / heads), words(wordsFor<Element>(each)), width(words * heads),
          scale(1 / std::sqrt(static_cast<float>(each))) {}

    /// Words before a head's queries; its keys are `width` behind them, its values twice that.
    int64_t input(int64_t pair) const { return pair / heads * tokens * 3 * width + pair % heads * words; }
    int64_t output(int64_t pair) const { return pair / heads * tokens * width + pair % heads * words; }
    /// Words from one token to the next among queries, keys and values.
    int64_t stride() const { return 3 * width; }
};

inline float *wordsOf(const at::Tensor &tensor) { return static_cast<float *>(tensor.data_ptr()); }

/// The first `count` of each row of `weights` [rows, stride] become softmax(scale * row), what is behind them 0. With `sums` each
/// row stays larger by a factor, so that its largest number is 1, and its sum is written there.
void softmaxRows(float *weights, int64_t rows, int64_t count, int64_t stride, float scale, float *sums = nullptr);

/// Each row of `numbers` [rows, columns] divided by its sum.
void divideRows(float *numbers, int64_t rows, int64_t columns, const float *sums);

/// Gradients of weights become those of the scaled products: g = scale w (g - sum of w g over the row); behind the row, where the
/// weights are 0, they are 0.
void softmaxGradients(
    float *gradients, const float *weights, int64_t rows, int64_t count, int64_t stride, float scale);

/// Attention and its gradient where the weights of all tokens of a head are there at once, into `result`. All tensors are of the
/// type and in one piece.
template <typename Element> void attendWhole(const at::Tensor &queryKeyValue, int64_t heads, const at::Tensor &result);
template <typename Element>
void attendWholeGradient(
    const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads, const at::Tensor &result);

/// The same where they are made for some queries at a time.
template <typename Element> void attendInBlocks(const at::Tensor &queryKeyValue, int64_t heads, const at::Tensor &result);
template <typename Element>
void attendInBlocksGradient(
    const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads, const at::Tensor &result);

} // namespace selfpatch
