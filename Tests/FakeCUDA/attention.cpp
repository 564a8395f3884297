// Attention as a GPU does it where the type is of 16 bits: one kernel forward and one backward.
#include "fake.hpp"

#include <ATen/native/transformers/attention.h>
#include <ATen/native/transformers/sdp_utils_cpp.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <torch/library.h>

namespace fake {

namespace {

int64_t choice(
    const at::Tensor &query, const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, double, bool,
    std::optional<double>, bool) {
    bool isShort = query.scalar_type() == at::kBFloat16 || query.scalar_type() == at::kHalf;
    return static_cast<int64_t>(isShort ? sdp::SDPBackend::flash_attention : sdp::SDPBackend::math);
}

/// Laid out as flash attention leaves it: tokens before heads.
at::Tensor tokensFirst(const at::Tensor &made) { return made.transpose(1, 2).contiguous().transpose(1, 2); }

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt, c10::SymInt, at::Tensor, at::Tensor, at::Tensor>
attention(
    const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, double dropout, bool causal, bool,
    std::optional<double> scale) {
    countOperation("aten::_scaled_dot_product_flash_attention");
    auto [out, sums] = at::_scaled_dot_product_flash_attention_for_cpu(
        onHost(query), onHost(key), onHost(value), dropout, causal, {}, scale);
    auto nothing = at::empty({0}, at::kLong);
    return {onDevice(tokensFirst(out)), onDevice(sums),    {}, {}, query.size(2), key.size(2), onDevice(nothing),
            onDevice(nothing),          {}};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> attentionBackward(
    const at::Tensor &upstream, const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, const at::Tensor &out,
    const at::Tensor &sums, const at::Tensor &, const at::Tensor &, c10::SymInt, c10::SymInt, double dropout, bool causal,
    const at::Tensor &, const at::Tensor &, std::optional<double> scale) {
    countOperation("aten::_scaled_dot_product_flash_attention_backward");
    auto [q, k, v] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        onHost(upstream), onHost(query), onHost(key), onHost(value), onHost(out), onHost(sums), dropout, causal, {}, scale);
    return {onDevice(tokensFirst(q)), onDevice(tokensFirst(k)), onDevice(tokensFirst(v))};
}

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
    m.impl("_scaled_dot_product_flash_attention", &attention);
    m.impl("_scaled_dot_product_flash_attention_backward", &attentionBackward);
}

} // namespace

int64_t (*const attentionChoice)(
    const at::Tensor &, const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, double, bool,
    std::optional<double>, bool) = &choice;

} // namespace fake

namespace at::native {
REGISTER_CUDA_DISPATCH(_fused_sdp_choice_stub, fake::attentionChoice)
}
