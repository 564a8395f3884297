// Rows of logits to distributions, losses and gradients in one visit to each row: what the streamed cross-entropy spends its
// time on beside products. Tensor operations for the same stand in StreamedCrossEntropy.swift and define what is computed here.
#include "vectormath.hpp"
#include "gpukernel.hpp"
#include "guard.hpp"
#include "parallel.hpp"

#include <ATen/ATen.h>
#include <cmath>

using namespace selfpatch;

namespace {

/// x becomes softmax((x - c) / temperature).
SP_EVERY_WIDTH void centeredSoftmax(float *x, const float *c, int64_t count, float inverse) {
    float top = largest(x, c, count);
    float sum = 0;
    {
#pragma clang fp reassociate(on)
        for (int64_t j = 0; j < count; ++j) {
            float e = exponential((x[j] - c[j] - top) * inverse);
            x[j] = e;
            sum += e;
        }
    }
    float scale = 1 / sum;
    for (int64_t j = 0; j < count; ++j) x[j] *= scale;
}

/// y (products with the prototypes) becomes the gradient of weight * (mass * lse(s) - q s) with s = y * inverse; returns that loss.
SP_EVERY_WIDTH double lossAndGradient(float *y, const float *q, int64_t count, float inverse, float mass, float weight) {
    float top = largest(y, nullptr, count);
    float sum = 0, product = 0, total = 0;
    {
#pragma clang fp reassociate(on)
        for (int64_t j = 0; j < count; ++j) {
            float centered = (y[j] - top) * inverse;
            product += q[j] * centered;
            total += q[j];
            float e = exponential(centered);
            y[j] = e;
            sum += e;
        }
    }
    float share = mass / sum, scale = weight * inverse;
    for (int64_t j = 0; j < count; ++j) y[j] = (share * y[j] - q[j]) * scale;
    // lse(s) = top * inverse + log(sum); what is common to both terms would cancel but for the targets' rounding.
    double common = static_cast<double>(top) * inverse;
    return weight * (mass * (common + std::log(static_cast<double>(sum))) - (product + common * total));
}

float *rowsOf(const at::Tensor &tensor, const char *name) {
    TORCH_CHECK(tensor.dim() == 2, name, ": ", tensor.sizes(), " instead of rows");
    return floats(tensor, name);
}

void centerAndSoftmax(const at::Tensor &logits, const at::Tensor &center, float inverse) {
    float *rows = rowsOf(logits, "logits");
    const float *offsets = floats(center, "the center");
    TORCH_CHECK(center.numel() == logits.size(1), "a center of ", center.sizes(), " for logits of ", logits.sizes());
    int64_t count = logits.size(1);
    parallelRows(logits.size(0), [=](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) centeredSoftmax(rows + row * count, offsets, count, inverse);
    });
}

double crossEntropyIntoGradient(
    const at::Tensor &products, const at::Tensor &targets, float inverse, float mass, float weight) {
    float *rows = rowsOf(products, "products");
    const float *wanted = rowsOf(targets, "targets");
    TORCH_CHECK(
        targets.size(1) == products.size(1) && products.size(0) % targets.size(0) == 0, "targets of another shape");
    int64_t count = products.size(1), period = targets.size(0);
    // One number a row, added up in order: the same sum on any number of threads.
    std::vector<double> losses(products.size(0));
    double *each = losses.data();
    parallelRows(products.size(0), [=](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            each[row] =
                lossAndGradient(rows + row * count, wanted + (row % period) * count, count, inverse, mass, weight);
        }
    });
    double sum = 0;
    for (double value : losses) sum += value;
    return sum;
}

} // namespace

bool sp_suits_loss_kernels(sp_tensor rows) {
    const auto &x = borrow(rows);
    bool isFloat = x.scalar_type() == at::kFloat;
    if (x.is_cpu()) return isFloat;
    return (isFloat || x.scalar_type() == at::kBFloat16) && x.size(-1) % 2 == 0 && hasKernels(x.device());
}

sp_error *sp_centered_softmax(sp_tensor logits, sp_tensor center, double temperature, sp_tensor *out) {
    return guarded([&] {
        const auto &x = borrow(logits), &c = borrow(center);
        float inverse = static_cast<float>(1 / temperature);
        if (x.is_cuda()) {
            *out = give(centeredSoftmaxOnGPU(x, c, inverse));
        } else {
            centerAndSoftmax(x, c, inverse);
            *out = give(x);
        }
    });
}

sp_error *sp_cross_entropy_into_gradient(
    sp_tensor products, sp_tensor targets, double temperature, double mass, double weight, sp_tensor *loss) {
    return guarded([&] {
        const auto &y = borrow(products), &q = borrow(targets);
        float inverse = static_cast<float>(1 / temperature), m = static_cast<float>(mass), w = static_cast<float>(weight);
        *loss = give(
            y.is_cuda() ? crossEntropyIntoGradientOnGPU(y, q, inverse, m, w)
                        : at::scalar_tensor(crossEntropyIntoGradient(y, q, inverse, m, w), at::kFloat));
    });
}
