// Attention over many tokens: the weights of a head are made for a block of queries at a time, for all of them would leave the
// processor's cache.
#include "attention.hpp"
#include "parallel.hpp"

#include <algorithm>
#include <vector>

namespace selfpatch {

namespace {

/// Queries and keys that are taken together. Every product has one of few shapes, for each shape is compiled when first met.
constexpr int64_t queryBlock = 64, keyBlock = 256;
/// Queries that one thread takes; a multiple of the block.
constexpr int64_t queryChunk = 1024;

/// Rows of queries, keys or values, filled up with 0 to whole blocks.
template <typename Element> struct Rows {
    int64_t blocks, each, words;
    /// Block by block [keyBlock, each], as a right operand.
    std::vector<float> straight;
    /// Block by block [each, keyBlock], as a right operand.
    std::vector<float> turned;

    Rows(Words from, int64_t n, int64_t each, bool wantsStraight, bool wantsTurned)
        : blocks((n + keyBlock - 1) / keyBlock), each(each), words(wordsFor<Element>(each)),
          straight(wantsStraight ? blocks * keyBlock * words : 0), turned(wantsTurned ? blocks * keyBlock * words : 0) {
        if (wantsStraight) {
            Words right = pairedRows<Element>(from, n, each, straight.data());
            if (right.first == from.first) keep<Element>(from.first, from.stride, n, each, straight.data(), each);
        }
        for (int64_t b = 0; wantsTurned && b < blocks; ++b) {
            int64_t rows = std::min(keyBlock, n - b * keyBlock);
            turn(from.from(b * keyBlock), rows, words, turned.data() + b * keyBlock * words, keyBlock);
        }
    }

    /// Products of a block of queries with all rows: `to` [queryBlock, blocks * keyBlock].
    void multiplyTurned(Words queries, float *to) const {
        for (int64_t b = 0; b < blocks; ++b) {
            multiply<Element>(
                queryBlock, keyBlock, words, queries, {turned.data() + b * keyBlock * words, keyBlock},
                to + b * keyBlock, blocks * keyBlock);
        }
    }

    /// Sums of all rows by weights [queryBlock, blocks * keyBlock]: `to` [queryBlock, each].
    void multiplyStraight(Words weights, float *to) const {
        constexpr int64_t block = wordsFor<Element>(keyBlock);
        for (int64_t b = 0; b < blocks; ++b) {
            multiply<Element>(
                queryBlock, each, block, {weights.first + b * block, weights.stride},
                {straight.data() + b * block * each, each}, to, each, b > 0);
        }
    }
};

/// What blocks of queries add to all rows [blocks * keyBlock, each]; in bf16 transposed, for then what has to be turned is narrow.
template <typename Element> struct RowSums {
    static constexpr bool isWide = std::is_same_v<Element, float>;
    static constexpr int64_t block = wordsFor<Element>(queryBlock);
    int64_t blocks, each, padded = blocks * keyBlock;
    std::vector<float> sums;

    RowSums(int64_t blocks, int64_t each) : blocks(blocks), each(each), sums(padded * each) {}

    /// += weights^T queries, for `weights` [queryBlock, padded] and `queries` [queryBlock, each].
    /// - room: as large as the weights.
    void add(const float *weights, Words queries, float *room) {
        if constexpr (isWide) {
            turn({weights, padded}, queryBlock, padded, room, queryBlock);
            for (int64_t b = 0; b < blocks; ++b) {
                multiply<float>(
                    keyBlock, each, queryBlock, {room + b * keyBlock * queryBlock, queryBlock}, queries,
                    sums.data() + b * keyBlock * each, each, true);
            }
        } else {
            std::vector<float> paired(block * each), turned(block * each);
            turn(pairedRows<Element>(queries, queryBlock, each, paired.data()), block, each, turned.data(), block);
            Words right = asRight<Element>(weights, queryBlock, padded, padded, room);
            for (int64_t b = 0; b < blocks; ++b) {
                multiply<Element>(
                    each, keyBlock, block, {turned.data(), block}, {right.first + b * keyBlock, padded},
                    sums.data() + b * keyBlock, padded, true);
            }
        }
    }

    /// The first n rows, into those of a tensor.
    void keepInto(float *to, int64_t stride, int64_t n) {
        if constexpr (isWide) {
            keep<float>(sums.data(), each, n, each, to, stride);
        } else {
            std::vector<float> room(each / 2 * n);
            turn(asRight<Element>(sums.data(), each, n, padded, room.data()), each / 2, n, to, stride);
        }
    }
};

/// The blocks of some queries. The last one ends with them and begins where it must: `fresh` of its rows, from the end, are new.
template <typename Body> void forEachQueryBlock(int64_t begin, int64_t end, const Body &body) {
    for (int64_t first = begin; first < end; first += queryBlock) {
        int64_t fresh = std::min(queryBlock, end - first);
        body(first + fresh - queryBlock, fresh);
    }
}

} // namespace

template <typename Element>
void attendInBlocks(const at::Tensor &queryKeyValue, int64_t heads, const at::Tensor &result) {
    AttentionLayout<Element> l(queryKeyValue, heads);
    const float *source = wordsOf(queryKeyValue);
    float *target = wordsOf(result);
    int64_t chunks = (l.tokens + queryChunk - 1) / queryChunk;
    parallelRows(l.images * heads * chunks, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens, e = l.each;
        std::vector<float> results(queryBlock * e), sums(queryBlock), weights, rounded;
        // Numbers whose largest is 1 are rounded to bf16 with less error.
        float *late = std::is_same_v<Element, float> ? nullptr : sums.data();
        for (int64_t part = begin; part < end; ++part) {
            int64_t pair = part / chunks, chunk = part % chunks;
            const float *start = source + l.input(pair);
            Words q{start, l.stride()}, k{start + l.width, l.stride()}, v{start + 2 * l.width, l.stride()};
            Rows<Element> keys(k, n, e, false, true), values(v, n, e, true, false);
            int64_t padded = keys.blocks * keyBlock;
            weights.resize(queryBlock * padded);
            rounded.resize(queryBlock * padded);
            forEachQueryBlock(chunk * queryChunk, std::min(n, (chunk + 1) * queryChunk), [&](int64_t first, int64_t fresh) {
                keys.multiplyTurned(q.from(first), weights.data());
                softmaxRows(weights.data(), queryBlock, n, padded, l.scale, late);
                values.multiplyStraight(
                    asLeft<Element>(weights.data(), queryBlock, padded, padded, rounded.data()), results.data());
                if (late) divideRows(results.data(), queryBlock, e, late);
                int64_t old = queryBlock - fresh;
                keep<Element>(
                    results.data() + old * e, e, fresh, e, target + l.output(pair) + (first + old) * l.width, l.width);
            });
        }
        endProducts<Element>();
    });
}

template <typename Element>
void attendInBlocksGradient(
    const at::Tensor &queryKeyValue, const at::Tensor &upstream, int64_t heads, const at::Tensor &result) {
    AttentionLayout<Element> l(queryKeyValue, heads);
    const float *source = wordsOf(queryKeyValue), *above = wordsOf(upstream);
    float *target = wordsOf(result);
    parallelRows(l.images * heads, [&](int64_t begin, int64_t end) {
        int64_t n = l.tokens, e = l.each;
        for (int64_t pair = begin; pair < end; ++pair) {
            const float *start = source + l.input(pair);
            float *to = target + l.input(pair);
            Words q{start, l.stride()}, k{start + l.width, l.stride()}, v{start + 2 * l.width, l.stride()};
            Words g{above + l.output(pair), l.width};
            Rows<Element> keys(k, n, e, true, true), values(v, n, e, false, true);
            int64_t blocks = keys.blocks, padded = blocks * keyBlock;
            std::vector<float> weights(queryBlock * padded), gradients(queryBlock * padded), room(queryBlock * padded);
            std::vector<float> ofQueries(queryBlock * e);
            RowSums<Element> ofKeys(blocks, e), ofValues(blocks, e);
            forEachQueryBlock(0, n, [&](int64_t first, int64_t fresh) {
                int64_t old = queryBlock - fresh;
                keys.multiplyTurned(q.from(first), weights.data());
                softmaxRows(weights.data(), queryBlock, n, padded, l.scale);
                // Queries that were there before add nothing again.
                std::fill_n(weights.data(), old * padded, 0.0f);
                ofValues.add(weights.data(), g.from(first), room.data());
                values.multiplyTurned(g.from(first), gradients.data());
                softmaxGradients(gradients.data(), weights.data(), queryBlock, n, padded, l.scale);
                keys.multiplyStraight(
                    asLeft<Element>(gradients.data(), queryBlock, padded, padded, room.data()), ofQueries.data());
                keep<Element>(ofQueries.data() + old * e, e, fresh, e, to + (first + old) * l.stride(), l.stride());
                ofKeys.add(gradients.data(), q.from(first), room.data());
            });
            ofKeys.keepInto(to + l.width, l.stride(), n);
            ofValues.keepInto(to + 2 * l.width, l.stride(), n);
        }
        endProducts<Element>();
    });
}

template void attendInBlocks<float>(const at::Tensor &, int64_t, const at::Tensor &);
template void attendInBlocks<at::BFloat16>(const at::Tensor &, int64_t, const at::Tensor &);
template void attendInBlocksGradient<float>(const at::Tensor &, const at::Tensor &, int64_t, const at::Tensor &);
template void attendInBlocksGradient<at::BFloat16>(const at::Tensor &, const at::Tensor &, int64_t, const at::Tensor &);

} // namespace selfpatch
