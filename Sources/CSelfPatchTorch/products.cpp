// libtorch's float32 products call MKL, which on other makers' processors keeps to 256-bit vectors. oneDNN, which libtorch has for
// other types, uses 512 bits wherever there are any: on an AMD Zen 5 it is 2 to 2.5 times as fast, forward and backward, to the
// same precision. Which of the two a processor gets is a rule and no measurement, so that a run's numbers can be repeated.
#include "products.hpp"
#include "guard.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

namespace at::native {
// Of libtorch, but in none of its headers: result = beta * result + alpha * a b for float32, with oneDNN.
void mkldnn_matmul(const Tensor &a, const Tensor &b, const Tensor &result, float beta, float alpha);
} // namespace at::native

namespace selfpatch {

bool oneDNNSuits() {
#if defined(__x86_64__)
    static const bool suits = at::get_cpu_capability() == "AVX512" && at::hasMKLDNN();
    return suits;
#else
    return false;
#endif
}

namespace {

/// Below this many multiplications a call costs more than the product.
constexpr int64_t smallest = 1 << 15;

bool suits(const at::Tensor &a) { return a.scalar_type() == at::kFloat && a.device().is_cpu(); }

/// Wrong shapes do not suit either: libtorch's own operation then says what is wrong with them.
bool suitsProduct(const at::Tensor &a, const at::Tensor &b) {
    return oneDNNSuits() && suits(a) && suits(b) && a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(0)
        && a.numel() * b.size(1) >= smallest;
}

/// Whether libtorch is to make the product in another type than the operands'.
bool isCast() { return at::autocast::is_autocast_enabled(at::kCPU); }

bool suitsLinear(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    return oneDNNSuits() && suits(input) && suits(weight) && input.dim() >= 2 && weight.dim() == 2
        && input.size(-1) == weight.size(1) && (!bias || (suits(*bias) && bias->sizes() == weight.sizes().slice(0, 1)))
        && input.numel() * weight.size(0) >= smallest && !isCast();
}

/// a b with neither's gradient.
at::Tensor plainProduct(const at::Tensor &a, const at::Tensor &b) {
    auto result = at::empty({a.size(0), b.size(1)}, a.options());
    at::native::mkldnn_matmul(a, b, result, 0, 1);
    return result;
}

at::Tensor plainLinear(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    using Signature = at::Tensor(
        const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, std::string_view,
        c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
    static const auto operation = c10::Dispatcher::singleton()
                                      .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                                      .typed<Signature>();
    return operation.call(input, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), std::nullopt);
}

/// Rows of the last dimension.
at::Tensor rows(const at::Tensor &tensor) { return tensor.reshape({-1, tensor.size(-1)}); }

struct Linear : torch::autograd::Function<Linear> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &input, const at::Tensor &weight,
        const std::optional<at::Tensor> &bias) {
        context->save_for_backward({input, weight});
        context->saved_data["hasBias"] = bias.has_value();
        return plainLinear(input, weight, bias);
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        auto saved = context->get_saved_variables();
        const auto &input = saved[0], &weight = saved[1];
        auto gradient = rows(upstream[0]).contiguous();
        torch::autograd::variable_list result(3);
        if (context->needs_input_grad(0)) result[0] = plainProduct(gradient, weight).view(input.sizes());
        if (context->needs_input_grad(1)) result[1] = plainProduct(gradient.t(), rows(input));
        if (context->saved_data["hasBias"].toBool() && context->needs_input_grad(2)) result[2] = gradient.sum(0);
        return result;
    }
};

} // namespace

at::Tensor product(const at::Tensor &a, const at::Tensor &b) {
    if (!suitsProduct(a, b) || isCast() || isRecorded(a) || isRecorded(b)) return at::matmul(a, b);
    return plainProduct(a, b);
}

void productInto(at::Tensor into, const at::Tensor &a, const at::Tensor &b, double beta, double alpha) {
    // Sums in place keep their type under autocast, too.
    if (suitsProduct(a, b) && suits(into) && into.is_contiguous() && alpha != 0) {
        at::native::mkldnn_matmul(a, b, into, static_cast<float>(beta), static_cast<float>(alpha));
    } else if (into.is_cuda() && at::autocast::is_autocast_enabled(at::kCUDA)) {
        // The operands are rounded as those of any product here; what is summed is not.
        auto type = at::autocast::get_autocast_dtype(at::kCUDA);
        if (beta != 1) into.mul_(beta);
        into.add_(at::mm(a.to(type), b.to(type), at::kFloat), alpha);
    } else {
        at::addmm_out(into, into, a, b, beta, alpha);
    }
}

at::Tensor linear(const at::Tensor &input, const at::Tensor &weight, const std::optional<at::Tensor> &bias) {
    if (!suitsLinear(input, weight, bias)) return at::linear(input, weight, bias);
    if (isRecorded(input) || isRecorded(weight) || (bias && isRecorded(*bias))) return Linear::apply(input, weight, bias);
    return plainLinear(input, weight, bias);
}

} // namespace selfpatch

using namespace selfpatch;

sp_error *sp_matmul(sp_tensor a, sp_tensor b, sp_tensor *out) {
    return guarded([&] { *out = give(product(borrow(a), borrow(b))); });
}

sp_error *sp_matmul_uncast(sp_tensor a, sp_tensor b, sp_tensor *out) {
    return guarded([&] {
        c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
        *out = give(product(borrow(a), borrow(b)));
    });
}

sp_error *sp_matmul_into(sp_tensor into, sp_tensor a, sp_tensor b, double beta, double alpha) {
    return guarded([&] { productInto(borrow(into), borrow(a), borrow(b), beta, alpha); });
}

sp_error *sp_linear(sp_tensor input, sp_tensor weight, sp_tensor bias, sp_tensor *out) {
    return guarded([&] { *out = give(selfpatch::linear(borrow(input), borrow(weight), borrowOptional(bias))); });
}
