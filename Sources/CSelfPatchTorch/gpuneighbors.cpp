// Patches and their candidates on a GPU: the teacher's matching and class attention, for which tensor operations gather every candidate's
// row of every patch.
#include "gpukernel.hpp"

#include <ATen/ATen.h>

namespace selfpatch {

namespace {

#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char text[] = {
#embed "kernels/neighbors.cu"
    , 0};

constexpr int threads = 256;

GPUKernel kernel(const char *name, at::ScalarType type) { return {text, name, elementDefinition(type)}; }

/// A warp for each.
GPUGrid grid(int64_t rows) { return {(rows + threads / 32 - 1) / (threads / 32), threads}; }

} // namespace

at::Tensor neighborSimilaritiesOnGPU(const at::Tensor &tokens, const at::Tensor &table) {
    int64_t images = tokens.size(0), patches = tokens.size(1), count = table.size(0);
    TORCH_CHECK(table.size(1) == patches, "the table of candidates");
    auto out = at::empty({images, patches, count}, tokens.options());
    launch(
        kernel("neighbor_similarities", at::kFloat), tokens.device(), grid(images * patches), start(tokens, at::kFloat, "tokens"),
        start(table, at::kLong, "the table"), out.data_ptr(), static_cast<long long>(images * patches), static_cast<int>(patches),
        static_cast<int>(tokens.size(2)), static_cast<int>(count));
    return out;
}

at::Tensor neighborAttentionOnGPU(
    const at::Tensor &query, const at::Tensor &keys, const at::Tensor &values, const at::Tensor &ownLogits, const at::Tensor &ownValues,
    const at::Tensor &table, const std::optional<at::Tensor> &excluded) {
    int64_t images = keys.size(0), patches = keys.size(1), heads = keys.size(2), part = keys.size(3), count = table.size(0);
    auto type = keys.scalar_type();
    bool isShared = query.numel() == heads * part;
    TORCH_CHECK(part % 2 == 0 && part <= 256, "heads of ", part, " numbers");
    TORCH_CHECK(isShared || query.numel() == keys.numel(), "queries of another shape than the keys");
    TORCH_CHECK(
        values.sizes() == keys.sizes() && ownValues.numel() == query.numel() && ownLogits.numel() * part == query.numel(),
        "values of another shape than the keys");
    TORCH_CHECK(table.size(1) == patches, "the table of candidates");
    TORCH_CHECK(!excluded || (excluded->size(1) == patches && excluded->size(2) == count), "the excluded candidates");
    auto out = at::empty({images, patches, heads * part}, keys.options());
    launch(
        kernel("neighbor_attention", type), keys.device(), grid(images * patches * heads), start(query, type, "queries"),
        start(keys, type, "keys"), start(values, type, "values"), start(ownLogits, at::kFloat, "own logits"),
        start(ownValues, type, "own values"), start(table, at::kLong, "the table"),
        excluded ? start(*excluded, at::kBool, "the excluded candidates") : nullptr, out.data_ptr(),
        static_cast<long long>(images * patches * heads), static_cast<int>(patches), static_cast<int>(heads), static_cast<int>(part),
        static_cast<int>(count), isShared ? 1 : 0, excluded && excluded->size(0) == 1 ? 1 : 0);
    return out;
}

} // namespace selfpatch
