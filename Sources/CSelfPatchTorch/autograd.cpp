#include "guard.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

using namespace selfpatch;

namespace {

/// The identity on a value, with gradients for other tensors that were computed beforehand.
struct WithGradients : torch::autograd::Function<WithGradients> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &value, const std::vector<at::Tensor> &gradients,
        at::TensorList inputs) {
        context->saved_data["gradients"] = gradients;
        return value.clone();
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        auto gradients = context->saved_data["gradients"].toTensorVector();
        torch::autograd::variable_list result = {at::Tensor(), at::Tensor()};
        for (const auto &gradient : gradients) result.push_back(gradient * upstream[0].to(gradient.scalar_type()));
        return result;
    }
};

/// A computation of the caller's, with what belongs to it.
struct Computation {
    sp_computation compute;
    void *context;
    void (*release)(void *);

    Computation(sp_computation compute, void *context, void (*release)(void *))
        : compute(compute), context(context), release(release) {}
    Computation(const Computation &) = delete;
    ~Computation() { release(context); }

    at::Tensor operator()(const at::Tensor &input) const {
        // The caller owns what it is handed, and gives what it made.
        sp_tensor result = compute(context, give(input));
        countGiven(-1);
        return at::Tensor(c10::intrusive_ptr<at::TensorImpl, at::UndefinedTensorImpl>::reclaim(
            reinterpret_cast<at::TensorImpl *>(result)));
    }
};

/// A computation whose inner tensors are thrown away and made again when the backward comes to it.
struct Recomputed : torch::autograd::Function<Recomputed> {
    static at::Tensor forward(
        torch::autograd::AutogradContext *context, const at::Tensor &input, std::shared_ptr<Computation> computation) {
        context->save_for_backward({input});
        auto place = input.device().type();
        context->saved_data["autocast"] = at::autocast::is_autocast_enabled(place);
        context->saved_data["type"] = static_cast<int64_t>(at::autocast::get_autocast_dtype(place));
        // The graph keeps the computation alive, and releases it with itself.
        context->saved_data["computation"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(computation));
        return (*computation)(input);
    }

    static torch::autograd::variable_list backward(
        torch::autograd::AutogradContext *context, const torch::autograd::variable_list &upstream) {
        auto input = context->get_saved_variables()[0].detach().requires_grad_();
        auto capsule = context->saved_data["computation"].toCapsule();
        auto &computation = *static_cast<Holder *>(capsule.get())->computation;
        auto place = input.device().type();
        bool former = at::autocast::is_autocast_enabled(place);
        auto formerType = at::autocast::get_autocast_dtype(place);
        at::autocast::set_autocast_enabled(place, context->saved_data["autocast"].toBool());
        at::autocast::set_autocast_dtype(place, static_cast<at::ScalarType>(context->saved_data["type"].toInt()));
        {
            at::AutoGradMode recording(true);
            torch::autograd::backward({computation(input)}, {upstream[0]});
        }
        at::autocast::set_autocast_enabled(place, former);
        at::autocast::set_autocast_dtype(place, formerType);
        // Cast copies of weights that are about to change: the next forward would compute with them.
        if (!former) at::autocast::clear_cache();
        return {input.grad(), at::Tensor()};
    }

  private:
    struct Holder : torch::CustomClassHolder {
        std::shared_ptr<Computation> computation;
        explicit Holder(std::shared_ptr<Computation> computation) : computation(std::move(computation)) {}
    };
};

} // namespace

void sp_set_requires_gradient(sp_tensor tensor, bool requires) { borrow(tensor).set_requires_grad(requires); }

bool sp_requires_gradient(sp_tensor tensor) { return borrow(tensor).requires_grad(); }

sp_error *sp_gradient(sp_tensor tensor, sp_tensor *out) {
    return guarded([&] {
        const auto &gradient = borrow(tensor).grad();
        *out = gradient.defined() ? give(gradient) : nullptr;
    });
}

sp_error *sp_set_gradient(sp_tensor tensor, sp_tensor gradient) {
    return guarded([&] { borrow(tensor).mutable_grad() = gradient ? borrow(gradient) : at::Tensor(); });
}

sp_error *sp_backward(const sp_tensor *roots, const sp_tensor *gradients, size_t count) {
    return guarded([&] {
        std::vector<at::Tensor> upstream;
        if (gradients) upstream = borrowAll(gradients, count);
        torch::autograd::backward(borrowAll(roots, count), upstream);
    });
}

sp_error *sp_with_gradients(
    sp_tensor value, const sp_tensor *inputs, const sp_tensor *gradients, size_t count, sp_tensor *out) {
    return guarded([&] {
        auto all = borrowAll(inputs, count);
        *out = give(WithGradients::apply(borrow(value), borrowAll(gradients, count), at::TensorList(all)));
    });
}

sp_error *sp_recomputed(
    sp_tensor input, sp_computation compute, void *context, void (*release)(void *), sp_tensor *out) {
    return guarded([&] {
        auto computation = std::make_shared<Computation>(compute, context, release);
        TORCH_CHECK(borrow(input).requires_grad(), "recomputed: the input must require a gradient");
        *out = give(Recomputed::apply(borrow(input), computation));
    });
}

bool sp_set_gradient_mode(bool enabled) {
    bool former = at::GradMode::is_enabled();
    at::GradMode::set_enabled(enabled);
    return former;
}

bool sp_set_autocast(sp_device_kind kind, bool enabled, sp_type type) {
    auto place = kind == SP_CUDA ? at::kCUDA : kind == SP_MPS ? at::kMPS : at::kCPU;
    bool former = at::autocast::is_autocast_enabled(place);
    at::autocast::set_autocast_enabled(place, enabled);
    if (enabled) at::autocast::set_autocast_dtype(place, scalarType(type));
    if (!enabled) at::autocast::clear_cache();
    return former;
}
