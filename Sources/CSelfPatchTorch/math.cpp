#include "guard.hpp"

#include <ATen/ATen.h>

using namespace selfpatch;

namespace {

at::Tensor binary(sp_binary_operation operation, const at::Tensor &a, const at::Tensor &b) {
    switch (operation) {
    case SP_ADD: return at::add(a, b);
    case SP_SUBTRACT: return at::sub(a, b);
    case SP_MULTIPLY: return at::mul(a, b);
    case SP_DIVIDE: return at::div(a, b);
    case SP_MAXIMUM: return at::maximum(a, b);
    case SP_MINIMUM: return at::minimum(a, b);
    case SP_POWER: return at::pow(a, b);
    case SP_LESS: return at::lt(a, b);
    case SP_GREATER: return at::gt(a, b);
    case SP_OR: return at::logical_or(a, b);
    }
    TORCH_CHECK(false, "no such operation");
}

at::Tensor binary(sp_binary_operation operation, const at::Tensor &a, double b) {
    switch (operation) {
    case SP_ADD: return at::add(a, b);
    case SP_SUBTRACT: return at::sub(a, b);
    case SP_MULTIPLY: return at::mul(a, b);
    case SP_DIVIDE: return at::div(a, b);
    case SP_MAXIMUM: return at::clamp_min(a, b);
    case SP_MINIMUM: return at::clamp_max(a, b);
    case SP_POWER: return at::pow(a, b);
    case SP_LESS: return at::lt(a, b);
    case SP_GREATER: return at::gt(a, b);
    case SP_OR: break;
    }
    TORCH_CHECK(false, "no such operation with a number");
}

at::Tensor unary(sp_unary_operation operation, const at::Tensor &a) {
    switch (operation) {
    case SP_NEGATE: return at::neg(a);
    case SP_EXP: return at::exp(a);
    case SP_LOG: return at::log(a);
    case SP_ABS: return at::abs(a);
    case SP_SQUARE: return at::square(a);
    case SP_SIGMOID: return at::sigmoid(a);
    case SP_RELU: return at::relu(a);
    case SP_IS_FINITE: return at::isfinite(a);
    }
    TORCH_CHECK(false, "no such operation");
}

std::vector<int64_t> everyDimension(const at::Tensor &a) {
    std::vector<int64_t> all(a.dim());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    return all;
}

at::Tensor reduce(sp_reduction reduction, const at::Tensor &a, at::IntArrayRef some, bool keep) {
    auto all = everyDimension(a);
    auto dimensions = some.empty() ? at::IntArrayRef(all) : some;
    switch (reduction) {
    case SP_SUM: return at::sum(a, dimensions, keep);
    case SP_MEAN: return at::mean(a, dimensions, keep);
    case SP_MAX: return at::amax(a, dimensions, keep);
    case SP_MIN: return at::amin(a, dimensions, keep);
    case SP_LOG_SUM_EXP: return at::logsumexp(a, dimensions, keep);
    case SP_NORM: return at::linalg_vector_norm(a, 2, dimensions, keep);
    case SP_ALL: return at::all(a, dimensions, keep);
    }
    TORCH_CHECK(false, "no such reduction");
}

} // namespace

sp_error *sp_binary(sp_binary_operation operation, sp_tensor a, sp_tensor b, sp_tensor *out) {
    return guarded([&] { *out = give(binary(operation, borrow(a), borrow(b))); });
}

sp_error *sp_binary_number(sp_binary_operation operation, sp_tensor a, double b, sp_tensor *out) {
    return guarded([&] { *out = give(binary(operation, borrow(a), b)); });
}

sp_error *sp_number_binary(sp_binary_operation operation, double a, sp_tensor b, sp_tensor *out) {
    return guarded([&] {
        const auto &right = borrow(b);
        *out = give(binary(operation, at::scalar_tensor(a, right.options().requires_grad(false)), right));
    });
}

sp_error *sp_add_into(sp_tensor a, sp_tensor b, double scale) {
    return guarded([&] { borrow(a).add_(borrow(b), scale); });
}

sp_error *sp_multiply_into(sp_tensor a, double number) {
    return guarded([&] { borrow(a).mul_(number); });
}

sp_error *sp_unary(sp_unary_operation operation, sp_tensor a, sp_tensor *out) {
    return guarded([&] { *out = give(unary(operation, borrow(a))); });
}

sp_error *sp_reduce(sp_reduction reduction, sp_tensor a, sp_ints dimensions, bool keep, sp_tensor *out) {
    return guarded([&] { *out = give(reduce(reduction, borrow(a), ints(dimensions), keep)); });
}

sp_error *sp_arg_max(sp_tensor a, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(at::argmax(borrow(a), dimension)); });
}

sp_error *sp_top_k(sp_tensor a, int64_t k, int64_t dimension, sp_tensor *values, sp_tensor *indices) {
    return guarded([&] {
        auto [top, places] = at::topk(borrow(a), k, dimension);
        *values = give(std::move(top));
        *indices = give(std::move(places));
    });
}

sp_error *sp_sort(sp_tensor a, int64_t dimension, bool descending, sp_tensor *values, sp_tensor *indices) {
    return guarded([&] {
        auto [sorted, places] = at::sort(borrow(a), /*stable=*/true, dimension, descending);
        *values = give(std::move(sorted));
        *indices = give(std::move(places));
    });
}

sp_error *sp_where(sp_tensor condition, sp_tensor a, sp_tensor b, sp_tensor *out) {
    return guarded([&] { *out = give(at::where(borrow(condition), borrow(a), borrow(b))); });
}

sp_error *sp_masked_fill(sp_tensor a, sp_tensor mask, double value, sp_tensor *out) {
    return guarded([&] { *out = give(at::masked_fill(borrow(a), borrow(mask), value)); });
}

sp_error *sp_symmetric_eigen(sp_tensor a, sp_tensor *values, sp_tensor *vectors) {
    return guarded([&] {
        auto [numbers, columns] = at::linalg_eigh(borrow(a));
        *values = give(std::move(numbers));
        *vectors = give(std::move(columns));
    });
}
