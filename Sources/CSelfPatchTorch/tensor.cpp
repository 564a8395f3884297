#include "guard.hpp"

#include <ATen/ATen.h>
#include <atomic>
#include <cstring>

using namespace selfpatch;

namespace {
std::atomic<int64_t> liveCount{0};
at::TensorOptions options(sp_type type, sp_device place) { return at::TensorOptions().dtype(scalarType(type)).device(device(place)); }
} // namespace

namespace selfpatch {

void countGiven(int64_t change) noexcept { liveCount.fetch_add(change, std::memory_order_relaxed); }

sp_error *failure(sp_error_kind kind, const char *message) noexcept {
    auto *error = static_cast<sp_error *>(malloc(sizeof(sp_error)));
    if (!error) abort(); // not even an error can be told
    error->kind = kind;
    error->message = strdup(message);
    return error;
}

sp_error *torchFailure(const char *message) noexcept {
    // Running out of memory on the CPU, and of a GPU's own libraries, is a plain c10::Error, told by its text.
    bool memory = strstr(message, "can't allocate memory") || strstr(message, "Storage size calculation overflowed") ||
                  strstr(message, "not enough memory") || strstr(message, "CUDA error: out of memory") ||
                  strstr(message, "STATUS_ALLOC_FAILED");
    auto *error = failure(memory ? SP_ERROR_OUT_OF_MEMORY : SP_ERROR_TORCH, message);
    // A missing kernel lists every backend after a blank line: 80 lines that help nobody.
    if (char *blank = strstr(const_cast<char *>(error->message), "\n\n")) *blank = 0;
    return error;
}

} // namespace selfpatch

void sp_error_free(sp_error *error) {
    if (!error) return;
    free(const_cast<char *>(error->message));
    free(error);
}

void sp_tensor_release(sp_tensor tensor) {
    countGiven(-1);
    c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(reinterpret_cast<c10::TensorImpl *>(tensor));
}

sp_tensor sp_tensor_share(sp_tensor tensor) { return give(borrow(tensor)); }

int64_t sp_tensor_live_count(void) { return liveCount.load(std::memory_order_relaxed); }

sp_error *sp_empty(sp_ints shape, sp_type type, sp_device place, sp_tensor *out) {
    return guarded([&] { *out = give(at::empty(ints(shape), options(type, place))); });
}

sp_error *sp_full(sp_ints shape, double value, sp_type type, sp_device place, sp_tensor *out) {
    return guarded([&] { *out = give(at::full(ints(shape), value, options(type, place))); });
}

sp_error *sp_arange(int64_t count, sp_type type, sp_device place, sp_tensor *out) {
    return guarded([&] { *out = give(at::arange(count, options(type, place))); });
}

sp_error *sp_from_bytes(const void *bytes, size_t byteCount, sp_ints shape, sp_type type, sp_tensor *out) {
    return guarded([&] {
        auto tensor = at::empty(ints(shape), options(type, {SP_CPU, 0}));
        TORCH_CHECK(tensor.nbytes() == byteCount, byteCount, " bytes for a tensor of ", tensor.nbytes());
        if (byteCount) memcpy(tensor.mutable_data_ptr(), bytes, byteCount);
        *out = give(std::move(tensor));
    });
}

sp_error *sp_normal(sp_ints shape, double mean, double deviation, sp_generator generator, sp_tensor *out) {
    return guarded([&] {
        auto &source = *reinterpret_cast<at::Generator *>(generator);
        *out = give(at::empty(ints(shape)).normal_(mean, deviation, source));
    });
}

sp_error *sp_uniform(sp_ints shape, double low, double high, sp_generator generator, sp_tensor *out) {
    return guarded([&] {
        auto &source = *reinterpret_cast<at::Generator *>(generator);
        *out = give(at::empty(ints(shape)).uniform_(low, high, source));
    });
}

size_t sp_rank(sp_tensor tensor) { return borrow(tensor).dim(); }
int64_t sp_size(sp_tensor tensor, size_t dimension) { return borrow(tensor).sizes()[dimension]; }
int64_t sp_element_count(sp_tensor tensor) { return borrow(tensor).numel(); }
sp_type sp_element_type(sp_tensor tensor) { return static_cast<sp_type>(borrow(tensor).scalar_type()); }
bool sp_is_contiguous(sp_tensor tensor) { return borrow(tensor).is_contiguous(); }

sp_device sp_tensor_device(sp_tensor tensor) {
    auto place = borrow(tensor).device();
    auto kind = place.is_cuda() ? SP_CUDA : place.is_mps() ? SP_MPS : SP_CPU;
    return {kind, place.has_index() ? place.index() : 0};
}

sp_error *sp_data(sp_tensor tensor, void **out) {
    return guarded([&] {
        TORCH_CHECK(borrow(tensor).is_contiguous() && borrow(tensor).is_cpu(), "its bytes are not in one piece on the CPU");
        *out = borrow(tensor).data_ptr();
    });
}

sp_error *sp_item(sp_tensor tensor, double *out) {
    return guarded([&] { *out = borrow(tensor).item().toDouble(); });
}

sp_error *sp_cast(sp_tensor tensor, sp_type type, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(tensor).to(scalarType(type))); });
}

sp_error *sp_move(sp_tensor tensor, sp_device place, sp_tensor *out) {
    return guarded([&] { *out = give(moved(borrow(tensor), device(place))); });
}

sp_error *sp_contiguous(sp_tensor tensor, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(tensor).contiguous()); });
}

sp_error *sp_clone(sp_tensor tensor, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(tensor).clone(at::MemoryFormat::Contiguous)); });
}

sp_error *sp_detach(sp_tensor tensor, sp_tensor *out) {
    return guarded([&] { *out = give(borrow(tensor).detach()); });
}

sp_error *sp_copy_into(sp_tensor target, sp_tensor source) {
    return guarded([&] {
        TORCH_CHECK(borrow(target).sizes() == borrow(source).sizes(), "the shapes differ");
        c10::NoGradGuard without;
        borrow(target).copy_(borrow(source));
    });
}

sp_error *sp_fill_into(sp_tensor target, double value) {
    return guarded([&] {
        c10::NoGradGuard without;
        borrow(target).fill_(value);
    });
}
