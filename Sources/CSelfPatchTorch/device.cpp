#include "guard.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <torch/headeronly/version.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <limits.h>
#include <string>

using namespace selfpatch;

namespace {

/// libtorch warns of its own affairs on standard error; a user can do nothing about them.
struct SilentWarnings : c10::WarningHandler {
    void process(const c10::Warning &) override {}
};

} // namespace

void sp_initialize(void) {
    static SilentWarnings silent;
    c10::WarningUtils::set_warning_handler(&silent);
}

const char *sp_version(void) { return TORCH_VERSION; }

const char *sp_library_path(void) {
    static const std::string path = [] {
        Dl_info info;
        if (!dladdr(reinterpret_cast<void *>(&at::get_num_threads), &info) || !info.dli_fname) return std::string();
        char resolved[PATH_MAX];
        return std::string(realpath(info.dli_fname, resolved) ? resolved : info.dli_fname);
    }();
    return path.c_str();
}

const char *sp_cpu_capability(void) {
    static const std::string name = at::get_cpu_capability();
    return name.c_str();
}

int32_t sp_thread_count(void) { return at::get_num_threads(); }
void sp_set_thread_count(int32_t count) { at::set_num_threads(count); }

int32_t sp_cuda_driver_device_count(void) {
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver) return 0;
    auto initialize = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
    auto getCount = reinterpret_cast<int (*)(int *)>(dlsym(driver, "cuDeviceGetCount"));
    int count = 0;
    if (!initialize || !getCount || initialize(0) != 0 || getCount(&count) != 0) return 0;
    return count;
}

sp_error *sp_open_cuda(bool *available) {
    return guarded([&] {
        *available = false;
        std::string path = sp_library_path();
        auto slash = path.rfind('/');
        auto library = (slash == std::string::npos ? std::string() : path.substr(0, slash + 1)) + "libtorch_cuda.so";
        // libtorch looks its CUDA hooks up once and keeps the answer: this must come before the first backward.
        if (!dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
            const char *reason = dlerror();
            TORCH_CHECK(false, reason ? reason : "libtorch_cuda.so cannot be opened");
        }
        *available = at::hasCUDA();
        if (!*available) return;
        // Its allocator answers nothing before this, not even how much memory there is.
        at::globalContext().lazyInitDevice(at::kCUDA);
        // float32 means float32, in convolutions too: cuDNN would round to 10 bits.
        at::globalContext().setAllowTF32CuDNN(false);
    });
}

bool sp_mps_is_available(void) { return at::hasMPS(); }

int32_t sp_cuda_device_count(void) {
    if (!at::hasCUDA()) return 0;
    int32_t count = 0;
    sp_error *error = guarded([&] { count = at::accelerator::deviceCount(); });
    sp_error_free(error);
    return count;
}

sp_error *sp_cuda_memory(int32_t index, int64_t *freeBytes, int64_t *totalBytes, int64_t *peakBytes) {
    return guarded([&] {
        auto place = static_cast<c10::DeviceIndex>(index);
        auto [available, total] = at::accelerator::getMemoryInfo(place);
        *freeBytes = static_cast<int64_t>(available);
        *totalBytes = static_cast<int64_t>(total);
        auto statistics = at::accelerator::getDeviceStats(place);
        *peakBytes = statistics.allocated_bytes[0].peak;
    });
}

sp_error *sp_synchronize(sp_device place) {
    return guarded([&] {
        if (place.kind != SP_CPU) at::accelerator::synchronizeDevice(static_cast<c10::DeviceIndex>(place.index));
    });
}

sp_error *sp_generator_make(uint64_t seed, sp_generator *out) {
    return guarded([&] {
        *out = reinterpret_cast<sp_generator>(new at::Generator(at::make_generator<at::CPUGeneratorImpl>(seed)));
    });
}

void sp_generator_release(sp_generator generator) { delete reinterpret_cast<at::Generator *>(generator); }
