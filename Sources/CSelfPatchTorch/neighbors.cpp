// Patches and their candidates, forward only: the teacher's matching and class attention without a gathered copy.
// Tensor operations for the same stand in PositiveMatching.swift and ClassAttention.swift and define what is computed here.
#include "gpukernel.hpp"
#include "guard.hpp"
#include "parallel.hpp"

#include <ATen/ATen.h>
#include <cmath>

using namespace selfpatch;

namespace {

SP_EVERY_WIDTH float dot(const float *a, const float *b, int64_t count) {
#pragma clang fp reassociate(on)
    float sum = 0;
    for (int64_t j = 0; j < count; ++j) sum += a[j] * b[j];
    return sum;
}

SP_EVERY_WIDTH void addScaled(float *into, const float *a, float scale, int64_t count) {
    for (int64_t j = 0; j < count; ++j) into[j] += scale * a[j];
}

const int64_t *candidates(const at::Tensor &table, int64_t patches) {
    TORCH_CHECK(table.is_cpu() && table.scalar_type() == at::kLong && table.is_contiguous() && table.size(1) == patches,
                "the table of candidates");
    return table.data_ptr<int64_t>();
}

} // namespace

bool sp_suits_neighbor_kernels(sp_tensor rows) {
    const auto &x = borrow(rows);
    bool isFloat = x.scalar_type() == at::kFloat;
    if (x.is_cpu()) return isFloat;
    return (isFloat || x.scalar_type() == at::kBFloat16) && x.size(-1) % 2 == 0 && (x.dim() < 4 || x.size(-1) <= 256)
           && hasKernels(x.device());
}

sp_error *sp_neighbor_similarities(sp_tensor tokens, sp_tensor table, sp_tensor *out) {
    return guarded([&] {
        const auto &t = borrow(tokens);
        if (t.is_cuda()) {
            *out = give(neighborSimilaritiesOnGPU(t, borrow(table)));
            return;
        }
        int64_t images = t.size(0), patches = t.size(1), width = t.size(2), count = borrow(table).size(0);
        const float *x = floats(t, "tokens");
        const int64_t *places = candidates(borrow(table), patches);
        auto result = at::empty({images, patches, count});
        float *s = result.data_ptr<float>();
        parallelRows(images, [=](int64_t begin, int64_t end) {
            std::vector<float> lengths(patches);
            for (int64_t image = begin; image < end; ++image) {
                const float *rows = x + image * patches * width;
                for (int64_t i = 0; i < patches; ++i)
                    lengths[i] = std::max(std::sqrt(dot(rows + i * width, rows + i * width, width)), 1e-12f);
                for (int64_t i = 0; i < patches; ++i)
                    for (int64_t c = 0; c < count; ++c) {
                        int64_t j = places[c * patches + i];
                        // In the order of the lower patch, so that both see the same number.
                        int64_t a = std::min(i, j), b = std::max(i, j);
                        s[(image * patches + i) * count + c] =
                            dot(rows + a * width, rows + b * width, width) / (lengths[a] * lengths[b]);
                    }
            }
        });
        *out = give(std::move(result));
    });
}

sp_error *sp_neighbor_attention(
    sp_tensor query, sp_tensor keys, sp_tensor values, sp_tensor ownLogits, sp_tensor ownValues, sp_tensor table,
    sp_tensor excludedOrNull, sp_tensor *out) {
    return guarded([&] {
        const auto &k = borrow(keys);
        if (k.is_cuda()) {
            *out = give(neighborAttentionOnGPU(
                borrow(query), k, borrow(values), borrow(ownLogits), borrow(ownValues), borrow(table), borrowOptional(excludedOrNull)));
            return;
        }
        int64_t images = k.size(0), patches = k.size(1), heads = k.size(2), part = k.size(3), width = heads * part;
        int64_t count = borrow(table).size(0);
        const float *q = floats(borrow(query), "queries"), *kk = floats(k, "keys"), *vv = floats(borrow(values), "values");
        const float *ownLogit = floats(borrow(ownLogits), "own logits"), *ownValue = floats(borrow(ownValues), "own values");
        // One class token for all patches, or one each.
        bool shared = borrow(query).numel() == width;
        TORCH_CHECK(shared || borrow(query).numel() == k.numel(), "queries of another shape than the keys");
        TORCH_CHECK(borrow(ownValues).numel() == borrow(query).numel(), "own values of another shape than the queries");
        const int64_t *places = candidates(borrow(table), patches);
        const bool *excluded = nullptr;
        int64_t excludedImages = 0;
        if (excludedOrNull) {
            const auto &e = borrow(excludedOrNull);
            TORCH_CHECK(e.is_cpu() && e.scalar_type() == at::kBool && e.is_contiguous() && e.size(1) == patches && e.size(2) == count,
                        "the excluded candidates");
            excluded = e.data_ptr<bool>();
            excludedImages = e.size(0);
        }
        auto result = at::empty({images, patches, width});
        float *o = result.data_ptr<float>();
        parallelRows(images * patches, [=](int64_t begin, int64_t end) {
            std::vector<float> weights(count);
            for (int64_t row = begin; row < end; ++row) {
                int64_t image = row / patches, i = row % patches;
                int64_t asker = shared ? 0 : row;
                const bool *out = excluded ? excluded + ((excludedImages == 1 ? 0 : image) * patches + i) * count : nullptr;
                for (int64_t h = 0; h < heads; ++h) {
                    const float *ask = q + asker * width + h * part;
                    float own = ownLogit[asker * heads + h], top = own;
                    for (int64_t c = 0; c < count; ++c) {
                        if (out && out[c]) continue;
                        int64_t j = places[c * patches + i];
                        weights[c] = dot(ask, kk + (image * patches + j) * width + h * part, part);
                        top = std::max(top, weights[c]);
                    }
                    float mine = std::exp(own - top), sum = mine;
                    for (int64_t c = 0; c < count; ++c) {
                        if (out && out[c]) continue;
                        weights[c] = std::exp(weights[c] - top);
                        sum += weights[c];
                    }
                    float *into = o + row * width + h * part;
                    const float *value = ownValue + asker * width + h * part;
                    for (int64_t x = 0; x < part; ++x) into[x] = mine / sum * value[x];
                    for (int64_t c = 0; c < count; ++c) {
                        if (out && out[c]) continue;
                        int64_t j = places[c * patches + i];
                        addScaled(into, vv + (image * patches + j) * width + h * part, weights[c] / sum, part);
                    }
                }
            }
        });
        *out = give(std::move(result));
    });
}
