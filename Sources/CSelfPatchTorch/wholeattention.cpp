// Attention over tokens that are few enough for all weights of a head to stay in the processor's cache.
#include "attention.hpp"
#include "parallel.hpp"

#include <vector>

namespace selfpatch {

namespace {

/// One head's products with rows of a tensor, into rows of another, and the room that they need.
template <typename Element> struct HeadProducts {
    static constexpr bool isWide = std::is_same_v<Element, float>;
    int64_t n, e, words = wordsFor<Element>(n);
    std::vector<float> square, turned, paired, products;

    HeadProducts(int64_t tokens, int64_t each)
        : n(tokens), e(each), square(n * n), turned(e * words), paired(e * words), products(isWide ? 0 : n * e) {}

    /// numbers [n, n] times `rows` [n, e]; each row of that divided by its sum where there are such.
    void multiplyInto(float *to, int64_t stride, const float *numbers, Words rows, const float *sums = nullptr) {
        Words left = asLeft<Element>(numbers, n, n, n, square.data());
        Words right = pairedRows<Element>(rows, n, e, paired.data());
        if constexpr (isWide) {
            multiply<float>(n, e, n, left, right, to, stride);
        } else {
            multiply<Element>(n, e, words, left, right, products.data(), e);
            if (sums) divideRows(products.data(), n, e, sums);
            roundRows(products.data(), e, n, e, to, stride);
        }
    }

    /// numbers^T [n, n] times `rows` [n, e].
    void multiplyTurnedInto(float *to, int64_t stride, const float *numbers, Words rows) {
        if constexpr (isWide) {
            turn({numbers, n}, n, n, square.data(), n);
            multiply<float>(n, e, n, {square.data(), n}, rows, to, stride);
        } else {
            // As rows^T numbers, transposed: what is turned then is narrow.
            turn(pairedRows<Element>(rows, n, e, paired.data()), words, e, turned.data(), words);
            Words right = asRight<Element>(numbers, n, n, n, square.data());
            multiply<Element>(e, n, words, {turned.data(), words}, right, products.data(), n);
            turn(asRight<Element>(products.data(), e, n, n, paired.data()), e / 2, n, to, stride);
        }
    }
};

} // namespace

template <typename Element>
void attendWhole(const at::Tensor &queryKeyValue, int64_t heads, const at::Tensor &result) {
    AttentionLayout<Element> l(queryKeyValue, heads);
    const float *source = wordsOf(queryKeyValue);
    float *target = wordsOf(result);
    parallelRows(l.images * heads, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens;
        HeadProducts<Element> products(n, l.each);
        std::vector<float> keys(l.words * n), weights(n * n), sums(n);
        // Numbers whose largest is 1 are rounded to bf16 with less error.
        float *late = std::is_same_v<Element, float> ? nullptr : sums.data();
        for (int64_t pair = begin; pair < end; ++pair) {
            const float *q = source + l.input(pair), *k = q + l.width, *v = k + l.width;
            turn({k, l.stride()}, n, l.words, keys.data(), n);
            multiply<Element>(n, n, l.words, {q, l.stride()}, {keys.data(), n}, weights.data(), n);
            softmaxRows(weights.data(), n, n, n, l.scale, late);
            products.multiplyInto(target + l.output(pair), l.width, weights.data(), {v, l.stride()}, late);
        }
        endProducts<Element>();
    });
}

template <typename Element>
void attendWholeGradient(
    const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads, const at::Tensor &result) {
    AttentionLayout<Element> l(queryKeyValue, heads);
    const float *source = wordsOf(queryKeyValue), *above = wordsOf(upstream);
    float *target = wordsOf(result);
    parallelRows(l.images * heads, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens;
        HeadProducts<Element> products(n, l.each);
        // The weights are made again: keeping them would cost more memory than all tokens of a block.
        std::vector<float> turned(l.words * n), weights(n * n), gradients(n * n);
        for (int64_t pair = begin; pair < end; ++pair) {
            const float *start = source + l.input(pair);
            Words q{start, l.stride()}, k{start + l.width, l.stride()}, v{start + 2 * l.width, l.stride()};
            Words g{above + l.output(pair), l.width};
            float *gq = target + l.input(pair), *gk = gq + l.width, *gv = gk + l.width;
            turn(k, n, l.words, turned.data(), n);
            multiply<Element>(n, n, l.words, q, {turned.data(), n}, weights.data(), n);
            softmaxRows(weights.data(), n, n, n, l.scale);
            products.multiplyTurnedInto(gv, l.stride(), weights.data(), g);
            turn(v, n, l.words, turned.data(), n);
            multiply<Element>(n, n, l.words, g, {turned.data(), n}, gradients.data(), n);
            softmaxGradients(gradients.data(), weights.data(), n, n, n, l.scale);
            products.multiplyInto(gq, l.stride(), gradients.data(), k);
            products.multiplyTurnedInto(gk, l.stride(), gradients.data(), q);
        }
        endProducts<Element>();
    });
}

template void attendWhole<float>(const at::Tensor &, int64_t, const at::Tensor &);
template void attendWhole<at::BFloat16>(const at::Tensor &, int64_t, const at::Tensor &);
template void attendWholeGradient<float>(const at::Tensor &, const at::Tensor &, int64_t, const at::Tensor &);
template void attendWholeGradient<at::BFloat16>(const at::Tensor &, const at::Tensor &, int64_t, const at::Tensor &);

} // namespace selfpatch
