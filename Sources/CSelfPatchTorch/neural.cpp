#include "gpukernel.hpp"
#include "guard.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

using namespace selfpatch;

sp_error *sp_layer_norm(sp_tensor input, sp_tensor weight, sp_tensor bias, double epsilon, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::layer_norm(borrow(input), {borrow(weight).size(0)}, borrow(weight), borrow(bias), epsilon));
    });
}

sp_error *sp_layer_norm_for_products(
    sp_tensor input, sp_tensor weight, sp_tensor bias, double epsilon, sp_tensor *out) {
    return guarded([&] {
        const auto &x = borrow(input), &w = borrow(weight), &b = borrow(bias);
        bool isShort = x.is_cuda() && at::autocast::is_autocast_enabled(at::kCUDA)
                       && at::autocast::get_autocast_dtype(at::kCUDA) == at::kBFloat16;
        if (isShort && x.scalar_type() == at::kFloat && w.scalar_type() == at::kFloat && suitsLayerNormOnGPU(w.size(0))
            && hasKernels(x.device())) {
            *out = give(layerNormOnGPU(x.contiguous(), w, b, epsilon));
        } else {
            *out = give(at::layer_norm(x, {w.size(0)}, w, b, epsilon));
        }
    });
}

sp_error *sp_gelu(sp_tensor input, sp_tensor *out) {
    return guarded([&] { *out = give(at::gelu(borrow(input))); });
}

sp_error *sp_softmax(sp_tensor input, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(at::softmax(borrow(input), dimension)); });
}

sp_error *sp_log_softmax(sp_tensor input, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(at::log_softmax(borrow(input), dimension)); });
}

sp_error *sp_weight_norm(sp_tensor weight, sp_tensor gain, sp_tensor *out) {
    return guarded([&] { *out = give(at::_weight_norm(borrow(weight), borrow(gain), 0)); });
}

sp_error *sp_convolution(
    sp_tensor input, sp_tensor weight, sp_tensor bias, int64_t stride, int64_t padding, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::conv2d(borrow(input), borrow(weight), borrowOptional(bias), stride, padding));
    });
}

sp_error *sp_transposed_convolution(
    sp_tensor input, sp_tensor weight, sp_tensor bias, int64_t stride, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::conv_transpose2d(borrow(input), borrow(weight), borrowOptional(bias), stride));
    });
}

sp_error *sp_batch_norm(
    sp_tensor input, sp_tensor weight, sp_tensor bias, sp_tensor mean, sp_tensor variance, bool training, double momentum,
    double epsilon, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::batch_norm(
            borrow(input), borrow(weight), borrow(bias), borrow(mean), borrow(variance), training, momentum, epsilon,
            /*cudnn_enabled=*/true));
    });
}

sp_error *sp_max_pool(sp_tensor input, int64_t size, int64_t stride, int64_t padding, sp_tensor *out) {
    return guarded([&] { *out = give(at::max_pool2d(borrow(input), size, stride, padding)); });
}

sp_error *sp_adaptive_mean_pool(sp_tensor input, int64_t rows, int64_t columns, sp_tensor *out) {
    return guarded([&] { *out = give(at::adaptive_avg_pool2d(borrow(input), {rows, columns})); });
}

sp_error *sp_resize_bilinear(sp_tensor input, int64_t rows, int64_t columns, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::upsample_bilinear2d(borrow(input), {rows, columns}, /*align_corners=*/false));
    });
}

sp_error *sp_resize_nearest(sp_tensor input, int64_t rows, int64_t columns, sp_tensor *out) {
    return guarded([&] { *out = give(at::upsample_nearest2d(borrow(input), {rows, columns})); });
}

sp_error *sp_resize_bicubic(sp_tensor input, int64_t rows, int64_t columns, bool antialias, sp_tensor *out) {
    return guarded([&] {
        *out = give(
            antialias ? at::_upsample_bicubic2d_aa(borrow(input), {rows, columns}, /*align_corners=*/false)
                      : at::upsample_bicubic2d(borrow(input), {rows, columns}, /*align_corners=*/false));
    });
}

sp_error *sp_cross_entropy(sp_tensor logits, sp_tensor labels, int64_t ignore, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::cross_entropy_loss(borrow(logits), borrow(labels), {}, at::Reduction::Mean, ignore));
    });
}

sp_error *sp_binary_cross_entropies(sp_tensor logits, sp_tensor targets, sp_tensor *out) {
    return guarded([&] {
        *out = give(at::binary_cross_entropy_with_logits(borrow(logits), borrow(targets), {}, {}, at::Reduction::None));
    });
}
