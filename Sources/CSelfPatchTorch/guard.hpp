// The one place where C++ exceptions become errors, where handles and tensors meet, and for what every family asks of tensors.
#pragma once
#include "CSelfPatchTorch.h"

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

#include <vector>

namespace selfpatch {

sp_error *failure(sp_error_kind kind, const char *message) noexcept;
sp_error *torchFailure(const char *message) noexcept;
void countGiven(int64_t change) noexcept;

/// Runs `body`; whatever it throws comes back as an error, with libtorch's message and without its native backtrace.
template <typename Body> sp_error *guarded(Body body) noexcept {
    try {
        body();
        return nullptr;
    } catch (const c10::OutOfMemoryError &e) {
        return failure(SP_ERROR_OUT_OF_MEMORY, e.what_without_backtrace());
    } catch (const c10::Error &e) {
        return torchFailure(e.what_without_backtrace());
    } catch (const std::bad_alloc &) {
        return failure(SP_ERROR_OUT_OF_MEMORY, "the system has no more memory");
    } catch (const std::exception &e) {
        return torchFailure(e.what());
    } catch (...) {
        return failure(SP_ERROR_UNKNOWN, "an exception of unknown type");
    }
}

static_assert(sizeof(at::Tensor) == sizeof(void *), "a tensor is one counted pointer");

/// Gives one reference to the caller.
inline sp_tensor give(at::Tensor tensor) {
    countGiven(1);
    return reinterpret_cast<sp_tensor>(tensor.unsafeReleaseTensorImpl());
}

/// Looks at a tensor that the caller goes on owning.
inline const at::Tensor &borrow(const sp_tensor &handle) { return reinterpret_cast<const at::Tensor &>(handle); }

inline std::optional<at::Tensor> borrowOptional(const sp_tensor &handle) {
    return handle ? std::optional<at::Tensor>(borrow(handle)) : std::nullopt;
}

inline std::vector<at::Tensor> borrowAll(const sp_tensor *handles, size_t count) {
    const auto *first = reinterpret_cast<const at::Tensor *>(handles);
    return std::vector<at::Tensor>(first, first + count);
}

inline at::IntArrayRef ints(sp_ints list) { return at::IntArrayRef(list.values, list.count); }

inline at::ScalarType scalarType(sp_type type) { return static_cast<at::ScalarType>(type); }

inline at::Device device(sp_device device) {
    switch (device.kind) {
    case SP_CUDA: return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device.index));
    case SP_MPS: return at::Device(at::kMPS);
    default: return at::Device(at::kCPU);
    }
}

/// The same numbers on a device. An upload to a GPU only joins its queue: memory that is not pinned has been read when the
/// call returns, and pinned memory does not come here. Everything else is waited for.
inline at::Tensor moved(const at::Tensor &tensor, at::Device place) {
    return tensor.to(place, /*non_blocking=*/tensor.is_cpu() && place.is_cuda());
}

/// Whether what is computed from it is recorded for a backward.
inline bool isRecorded(const at::Tensor &tensor) { return c10::GradMode::is_enabled() && tensor.requires_grad(); }

/// The first element of what a kernel of ours takes.
inline float *floats(const at::Tensor &tensor, const char *name) {
    TORCH_CHECK(tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous(), name,
                ": float32 in one piece on the CPU is needed");
    return tensor.data_ptr<float>();
}

} // namespace selfpatch
