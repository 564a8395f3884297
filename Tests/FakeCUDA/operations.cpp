// Every operation on a tensor of the device runs the processor's kernel on the same memory.
#include "fake.hpp"

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/Resize.h>
#include <ATen/native/TensorConversions.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <ATen/EmptyTensor.h>
#include <torch/library.h>

namespace at {

struct FakeCUDAHooks final : CUDAHooksInterface {
    FakeCUDAHooks(CUDAHooksArgs) {}
    void init() const override { fake::start(); }
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasCUDA() const override { return true; }
    bool hasPrimaryContext(DeviceIndex) const override { return true; }
    DeviceIndex deviceCount() const override { return 1; }
    int getNumGPUs() const override { return 1; }
    DeviceIndex current_device() const override { return fake::only; }
    DeviceIndex getCurrentDevice() const override { return fake::only; }
    Device getDeviceFromPtr(void *) const override { return fake::place(); }
    bool isPinnedPtr(const void *address) const override { return fake::isPinned(address); }
    Allocator *getPinnedMemoryAllocator() const override { return fake::pinnedMemory(); }
    Allocator *getCUDADeviceAllocator() const override { return fake::deviceMemory(); }
    void deviceSynchronize(DeviceIndex) const override { fake::finishAll(); }
};
C10_REGISTER_CLASS(CUDAHooksRegistry, CUDAHooks, FakeCUDAHooks)

} // namespace at

namespace fake {

namespace {

/// An argument of the device and what stands for it on the host.
struct Loan {
    at::Tensor tensor, host;

    /// Whatever the kernel did to the size of it.
    void takeBack() const {
        if (host.storage().mutable_data() != tensor.storage().mutable_data()) {
            auto made = onDevice(host);
            tensor.unsafeGetTensorImpl()->set_storage_keep_dtype(made.storage());
        }
        if (host.sizes() != tensor.sizes() || host.strides() != tensor.strides()) {
            tensor.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(), host.storage_offset());
        }
    }
};

struct Loans {
    const c10::OperatorHandle &operation;
    std::vector<Loan> all;

    at::Tensor lend(const at::Tensor &tensor) {
        if (!tensor.defined()) return tensor;
        if (tensor.is_cuda()) {
            all.push_back({tensor, onHost(tensor)});
            return all.back().host;
        }
        TORCH_CHECK(
            tensor.dim() == 0, "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (",
            operation.operator_name(), ", ", tensor.sizes(), ")");
        return tensor;
    }
    at::Tensor back(const at::Tensor &host) const {
        for (const auto &loan : all) {
            if (loan.host.is_same(host)) return loan.tensor;
        }
        return host.defined() && host.is_cpu() ? onDevice(host) : host;
    }
};

void onTheProcessor(const c10::OperatorHandle &operation, c10::DispatchKeySet, torch::jit::Stack *stack) {
    const auto &schema = operation.schema();
    countOperation(schema.operator_name().name);
    Loans loans{operation, {}};
    size_t first = stack->size() - schema.arguments().size();
    for (size_t i = first; i < stack->size(); ++i) {
        auto &value = (*stack)[i];
        if (value.isTensor()) {
            value = loans.lend(value.toTensor());
        } else if (value.isTensorList()) {
            std::vector<at::Tensor> hosts;
            for (const auto &tensor : value.toTensorVector()) hosts.push_back(loans.lend(tensor));
            value = hosts;
        } else if (value.isOptionalTensorList()) {
            c10::List<std::optional<at::Tensor>> hosts;
            for (const std::optional<at::Tensor> &tensor : value.toOptionalTensorVector()) {
                hosts.push_back(tensor ? std::optional(loans.lend(*tensor)) : std::nullopt);
            }
            value = hosts;
        } else if (value.isDevice()) {
            value = c10::Device(c10::kCPU);
        }
    }
    for (const auto &result : schema.returns()) {
        TORCH_CHECK(
            !result.alias_info() || result.alias_info()->isWrite(), "the fake GPU does not know the view ", schema.operator_name());
    }
    operation.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
    for (const auto &loan : loans.all) loan.takeBack();
    for (size_t i = stack->size() - schema.returns().size(); i < stack->size(); ++i) {
        auto &value = (*stack)[i];
        if (value.isTensor()) {
            value = loans.back(value.toTensor());
        } else if (value.isTensorList()) {
            std::vector<at::Tensor> tensors;
            for (const auto &host : value.toTensorVector()) tensors.push_back(loans.back(host));
            value = tensors;
        }
    }
}

at::Tensor &copy(at::Tensor &to, const at::Tensor &from, bool nonBlocking) {
    if (to.is_cuda() && from.is_cuda()) {
        countOperation("copy_");
        onHost(to).copy_(onHost(from));
    } else if (to.is_cuda()) {
        bool pinned = isPinned(from.storage().data());
        countUpload(static_cast<int64_t>(from.nbytes()), pinned, isAside());
        if (isAside() && pinned && nonBlocking) {
            later([to, from] { onHost(to).copy_(from); });
        } else {
            onHost(to).copy_(from);
        }
    } else {
        countDownload(static_cast<int64_t>(from.nbytes()));
        finishAll();
        to.copy_(onHost(from));
    }
    return to;
}

/// A processor takes minutes for large products in float16.
at::Tensor &product(const at::Tensor &a, const at::Tensor &b, at::Tensor &into) {
    TORCH_CHECK(a.is_cuda() && b.is_cuda(), "Expected all tensors to be on the same device: mm of ", a.device(), " and ", b.device());
    countOperation("aten::mm");
    bool isHalf = a.scalar_type() == at::kHalf;
    auto type = isHalf ? at::kFloat : a.scalar_type();
    onHost(into).copy_(at::mm(onHost(a).to(type), onHost(b).to(type)));
    return into;
}

/// The product of short numbers with the sums of the accumulator's own type.
at::Tensor longProduct(const at::Tensor &a, const at::Tensor &b, at::ScalarType type) {
    TORCH_CHECK(
        a.is_cuda() && b.is_cuda() && a.scalar_type() == b.scalar_type() && a.element_size() == 2 && type == at::kFloat,
        "mm of ", a.scalar_type(), " and ", b.scalar_type(), " to ", type);
    countOperation("aten::mm");
    return onDevice(at::mm(onHost(a).to(type), onHost(b).to(type)));
}

at::Scalar number(const at::Tensor &tensor) {
    countWait("number");
    finishAll();
    return at::_local_scalar_dense(onHost(tensor));
}

at::Tensor empty(
    c10::SymIntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<at::Device>,
    std::optional<bool>, std::optional<at::MemoryFormat> format) {
    return at::detail::empty_generic(
        C10_AS_INTARRAYREF_SLOW(size), deviceMemory(), c10::DispatchKeySet(c10::DispatchKey::CUDA),
        c10::dtype_or_default(type), format);
}

at::Tensor emptyStrided(
    c10::SymIntArrayRef size, c10::SymIntArrayRef stride, std::optional<at::ScalarType> type, std::optional<at::Layout>,
    std::optional<at::Device>, std::optional<bool>) {
    return at::detail::empty_strided_generic(
        C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride), deviceMemory(),
        c10::DispatchKeySet(c10::DispatchKey::CUDA), c10::dtype_or_default(type));
}

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&onTheProcessor>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
    m.impl("copy_", &copy);
    m.impl("_local_scalar_dense", &number);
    m.impl("empty.memory_format", &empty);
    m.impl("empty_strided", &emptyStrided);
    m.impl("record_stream", [](at::Tensor &self, c10::Stream stream) { recordStream(self.storage().data_ptr(), stream.id()); });
    m.impl("mm.out", &product);
    m.impl("mm.dtype", &longProduct);
    m.impl("as_strided", [](const at::Tensor &self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                            std::optional<c10::SymInt> offset) {
        return at::native::as_strided_tensorimpl(
            self, C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride),
            offset ? std::optional(offset->expect_int()) : std::nullopt);
    });
    m.impl("view", [](const at::Tensor &self, c10::SymIntArrayRef size) {
        return at::native::view(self, C10_AS_INTARRAYREF_SLOW(size));
    });
    m.impl("_reshape_alias", [](const at::Tensor &self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride) {
        return at::native::_reshape_alias(self, C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride));
    });
    m.impl("unfold", [](const at::Tensor &self, int64_t dimension, int64_t size, int64_t step) {
        return at::native::unfold(self, dimension, size, step);
    });
    // What a GPU has a kernel for and would come here in many pieces.
    for (auto name : {"_foreach_norm.Scalar", "_foreach_lerp_.Scalar", "_foreach_mul_.ScalarList", "native_layer_norm", "convolution",
                      "convolution_backward"}) {
        m.impl(name, torch::CppFunction::makeFromBoxedFunction<&onTheProcessor>());
    }
}

} // namespace

} // namespace fake
