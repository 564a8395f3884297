#include "guard.hpp"

#include <ATen/ATen.h>

using namespace selfpatch;

sp_error *sp_reshape(sp_tensor a, sp_ints shape, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).reshape(ints(shape))); });
}

sp_error *sp_permute(sp_tensor a, sp_ints order, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).permute(ints(order))); });
}

sp_error *sp_expand(sp_tensor a, sp_ints shape, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).expand(ints(shape))); });
}

sp_error *sp_narrow(sp_tensor a, int64_t dimension, int64_t start, int64_t length, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).narrow(dimension, start, length)); });
}

sp_error *sp_select(sp_tensor a, int64_t dimension, int64_t index, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).select(dimension, index)); });
}

sp_error *sp_unsqueeze(sp_tensor a, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).unsqueeze(dimension)); });
}

sp_error *sp_squeeze(sp_tensor a, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(a).squeeze(dimension)); });
}

sp_error *sp_cat(const sp_tensor *tensors, size_t count, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(at::cat(borrowAll(tensors, count), dimension)); });
}

sp_error *sp_stack(const sp_tensor *tensors, size_t count, int64_t dimension, sp_tensor *out) {
    return guarded([&] { *out = give(at::stack(borrowAll(tensors, count), dimension)); });
}

sp_error *sp_roll(sp_tensor a, sp_ints shifts, sp_ints dimensions, sp_tensor *out) {
    return guarded([&] { *out = give(at::roll(borrow(a), ints(shifts), ints(dimensions))); });
}

sp_error *sp_flip(sp_tensor a, sp_ints dimensions, sp_tensor *out) {
    return guarded([&] { *out = give(at::flip(borrow(a), ints(dimensions))); });
}

sp_error *sp_index_select(sp_tensor a, int64_t dimension, sp_tensor indices, sp_tensor *out) {
    return guarded([&] { *out = give(at::index_select(borrow(a), dimension, borrow(indices))); });
}

sp_error *sp_gather(sp_tensor a, int64_t dimension, sp_tensor indices, sp_tensor *out) {
    return guarded([&] { *out = give(at::gather(borrow(a), dimension, borrow(indices))); });
}

sp_error *sp_scatter_number(sp_tensor a, int64_t dimension, sp_tensor indices, double value, sp_tensor *out) {
    return guarded([&] { *out = give(at::scatter(borrow(a), dimension, borrow(indices), value)); });
}

sp_error *sp_pad(sp_tensor a, sp_ints padding, double value, sp_tensor *out) {
    return guarded([&] { *out = give(at::constant_pad_nd(borrow(a), ints(padding), value)); });
}
