// The sum at the end of a residual branch.
#include "guard.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

using namespace selfpatch;

namespace {

/// tokens + branch * factors in one pass, each in the type that it has: under autocast a branch is of bf16 and the tokens of float32,
/// and libtorch's own way writes the scaled branch in float32 first, and its gradient, too.
struct ScaledAddition : torch::autograd::Function<ScaledAddition> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &tokens, const at::Tensor &branch, const at::Tensor &factors) {
        c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
        context->save_for_backward({factors});
        context->saved_data["type"] = static_cast<int64_t>(branch.scalar_type());
        return at::addcmul(tokens, branch, factors);
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        c10::impl::ExcludeDispatchKeyGuard exactly(c10::autocast_dispatch_keyset);
        auto factors = context->get_saved_variables()[0];
        auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
        auto gradient = at::empty(upstream[0].sizes(), upstream[0].options().dtype(type));
        at::mul_out(gradient, upstream[0], factors);
        return {upstream[0], gradient, at::Tensor()};
    }
};

} // namespace

sp_error *sp_add_scaled(sp_tensor tokens, sp_tensor branch, sp_tensor factors, sp_tensor *out) {
    return guarded([&] {
        const auto &x = borrow(tokens), &y = borrow(branch), &f = borrow(factors);
        *out = give(x.is_cuda() ? ScaledAddition::apply(x, y, f) : x + y * f);
    });
}
