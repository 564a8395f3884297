#include "guard.hpp"

#include <ATen/ATen.h>

using namespace selfpatch;

sp_error *sp_adamw(
    const sp_tensor *weights, const sp_tensor *gradients, const sp_tensor *firstMoments, const sp_tensor *secondMoments,
    const sp_tensor *steps, size_t count, double rate, double beta1, double beta2, double decay, double epsilon) {
    return guarded([&] {
        c10::NoGradGuard without;
        at::_fused_adamw_(
            borrowAll(weights, count), borrowAll(gradients, count), borrowAll(firstMoments, count),
            borrowAll(secondMoments, count), /*max_exp_avg_sqs=*/{}, borrowAll(steps, count), rate, beta1, beta2, decay, epsilon,
            /*amsgrad=*/false, /*maximize=*/false);
    });
}

sp_error *sp_lerp_all(const sp_tensor *a, const sp_tensor *b, size_t count, double weight) {
    return guarded([&] {
        c10::NoGradGuard without;
        at::_foreach_lerp_(borrowAll(a, count), borrowAll(b, count), weight);
    });
}

sp_error *sp_norms(const sp_tensor *tensors, size_t count, sp_tensor *out) {
    return guarded([&] {
        c10::NoGradGuard without;
        *out = give(at::stack(at::_foreach_norm(borrowAll(tensors, count), 2)));
    });
}

sp_error *sp_scale_all(const sp_tensor *tensors, const double *factors, size_t count) {
    return guarded([&] {
        c10::NoGradGuard without;
        // Factors that were tensors would be multiplied one by one: a GPU's kernel for all takes them as numbers.
        at::_foreach_mul_(borrowAll(tensors, count), std::vector<at::Scalar>(factors, factors + count));
    });
}
