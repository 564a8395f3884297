// Bytes that go to a GPU on a stream of their own. All of it is libtorch's interface for any accelerator: nothing of CUDA is linked.
#include "guard.hpp"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <array>
#include <mutex>

using namespace selfpatch;

struct sp_upload_s {
    at::Tensor arriving;
    c10::Event arrival;
};

namespace {

/// The device's stream for uploads: one, so that they arrive in their order and share the bus with nobody.
c10::Stream uploadStream(at::Device place) {
    static std::mutex lock;
    static std::array<std::optional<c10::Stream>, 256> streams;
    std::lock_guard guard(lock);
    auto &stream = streams[static_cast<uint8_t>(place.index())];
    if (!stream) stream = c10::impl::VirtualGuardImpl(place.type()).getStreamFromGlobalPool(place);
    return *stream;
}

} // namespace

sp_error *sp_empty_pinned(sp_ints shape, sp_type type, sp_tensor *out) {
    return guarded([&] { *out = give(at::empty(ints(shape), at::TensorOptions().dtype(scalarType(type)).pinned_memory(true))); });
}

sp_error *sp_upload_begin(sp_tensor source, sp_device target, sp_upload *out) {
    return guarded([&] {
        auto place = device(target);
        auto stream = uploadStream(place);
        c10::StreamGuard aside(stream); // this thread's stream alone
        auto upload = std::make_unique<sp_upload_s>(sp_upload_s{borrow(source).to(place, /*non_blocking=*/true), c10::Event(place.type())});
        upload->arrival.record(stream);
        *out = upload.release();
    });
}

sp_error *sp_upload_take(sp_upload upload, sp_tensor *out) {
    return guarded([&] {
        auto place = upload->arriving.device();
        auto stream = c10::impl::VirtualGuardImpl(place.type()).getStream(place);
        upload->arrival.block(stream);
        upload->arriving.record_stream(stream); // its memory is not used again before this stream has read it
        *out = give(std::move(upload->arriving));
    });
}

sp_error *sp_upload_wait(sp_upload upload) {
    return guarded([&] { upload->arrival.synchronize(); });
}

void sp_upload_release(sp_upload upload) { delete upload; }
