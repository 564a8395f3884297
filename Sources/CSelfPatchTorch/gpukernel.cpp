#include "gpukernel.hpp"
#include "guard.hpp"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <mutex>

using namespace selfpatch;

namespace {

#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char preface[] = {
#embed "kernels/preface.cu"
    , 0};

/// The driver's functions and NVRTC's, as their documentation declares them; handles are opaque pointers.
struct Toolkit {
    using Module = void *;
    using Function = void *;
    using Context = void *;
    using Program = void *;

    int (*deviceAttribute)(int *, int, int) = nullptr;
    int (*currentContext)(Context *) = nullptr;
    int (*setContext)(Context) = nullptr;
    int (*retainPrimaryContext)(Context *, int) = nullptr;
    int (*loadModule)(Module *, const void *) = nullptr;
    int (*findFunction)(Function *, Module, const char *) = nullptr;
    int (*launch)(
        Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **) = nullptr;
    int (*driverErrorText)(int, const char **) = nullptr;

    int (*createProgram)(Program *, const char *, const char *, int, const char *const *, const char *const *) = nullptr;
    int (*compile)(Program, int, const char *const *) = nullptr;
    int (*logSize)(Program, size_t *) = nullptr;
    int (*log)(Program, char *) = nullptr;
    int (*codeSize)(Program, size_t *) = nullptr;
    int (*code)(Program, char *) = nullptr;
    int (*destroyProgram)(Program *) = nullptr;
    const char *(*compilerErrorText)(int) = nullptr;

    /// Null where all was found.
    std::string obstacle;

    Toolkit() {
        const char *choice = getenv("SELFPATCH_GPU_KERNELS");
        if (choice && std::string(choice) == "0") {
            obstacle = "SELFPATCH_GPU_KERNELS is 0";
            return;
        }
        // libtorch's own door to both: its dependencies are NVRTC and the driver. NVRTC opened by itself would not find the rest of itself.
        std::string path = sp_library_path();
        auto door = path.substr(0, path.rfind('/') + 1) + "libcaffe2_nvrtc.so";
        void *library = dlopen(door.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            const char *reason = dlerror();
            obstacle = reason ? reason : door + " cannot be opened";
            return;
        }
        find(library, "cuDeviceGetAttribute", deviceAttribute);
        find(library, "cuCtxGetCurrent", currentContext);
        find(library, "cuCtxSetCurrent", setContext);
        find(library, "cuDevicePrimaryCtxRetain", retainPrimaryContext);
        find(library, "cuModuleLoadData", loadModule);
        find(library, "cuModuleGetFunction", findFunction);
        find(library, "cuLaunchKernel", launch);
        find(library, "cuGetErrorString", driverErrorText);
        find(library, "nvrtcCreateProgram", createProgram);
        find(library, "nvrtcCompileProgram", compile);
        find(library, "nvrtcGetProgramLogSize", logSize);
        find(library, "nvrtcGetProgramLog", log);
        find(library, "nvrtcGetCUBINSize", codeSize);
        find(library, "nvrtcGetCUBIN", code);
        find(library, "nvrtcDestroyProgram", destroyProgram);
        find(library, "nvrtcGetErrorString", compilerErrorText);
    }

    template <typename Symbol> void find(void *library, const char *name, Symbol &symbol) {
        symbol = reinterpret_cast<Symbol>(dlsym(library, name));
        if (!symbol) obstacle = std::string(name) + " is missing in NVRTC or the driver";
    }

    void check(int status, const char *what) const {
        if (status == 0) return;
        const char *reason = nullptr;
        driverErrorText(status, &reason);
        TORCH_CHECK(false, "CUDA error: ", reason ? reason : "unknown", " (", what, ")");
    }

    /// Machine code for a card of this capability, 90 for 9.0.
    std::string compiled(const GPUKernel &kernel, int capability) const {
        Program program;
        int status = createProgram(&program, (std::string(preface) + kernel.text).c_str(), kernel.name, 0, nullptr, nullptr);
        TORCH_CHECK(status == 0, "NVRTC: ", compilerErrorText(status));
        std::string target = "--gpu-architecture=sm_" + std::to_string(capability);
        const char *options[] = {target.c_str(), "--std=c++17", kernel.definition.c_str()};
        status = compile(program, kernel.definition.empty() ? 2 : 3, options);
        size_t size = 0;
        std::string result;
        if (status != 0) {
            if (logSize(program, &size) == 0) {
                result.resize(size);
                log(program, result.data());
            }
            destroyProgram(&program);
            TORCH_CHECK(
                false, "the GPU kernel ", kernel.name, " cannot be compiled for capability ", capability, " (",
                compilerErrorText(status), "). SELFPATCH_GPU_KERNELS=0 does without. ", result.c_str());
        }
        if (codeSize(program, &size) == 0) {
            result.resize(size);
            code(program, result.data());
        }
        destroyProgram(&program);
        return result;
    }

    Function loaded(const GPUKernel &kernel, at::Device place) const {
        int major = 0, minor = 0;
        check(deviceAttribute(&major, 75, place.index()), "capability");
        check(deviceAttribute(&minor, 76, place.index()), "capability");
        auto image = compiled(kernel, 10 * major + minor);
        Module module;
        Function function;
        check(loadModule(&module, image.data()), "loading a kernel");
        check(findFunction(&function, module, kernel.name), kernel.name);
        return function;
    }
};

const Toolkit &toolkit() {
    static const Toolkit only;
    return only;
}

/// A kernel as one GPU has it; it stays there as long as the program runs.
Toolkit::Function function(const GPUKernel &kernel, at::Device place) {
    static std::mutex lock;
    static std::map<std::string, Toolkit::Function> loaded;
    std::lock_guard guard(lock);
    auto key = kernel.name + (" " + kernel.definition) + " on " + std::to_string(place.index());
    auto known = loaded.find(key);
    if (known == loaded.end()) known = loaded.emplace(key, toolkit().loaded(kernel, place)).first;
    return known->second;
}

} // namespace

const std::string &selfpatch::toolkitObstacle() { return toolkit().obstacle; }

void *selfpatch::start(const at::Tensor &tensor, at::ScalarType type, const char *name) {
    TORCH_CHECK(
        tensor.is_cuda() && tensor.scalar_type() == type && tensor.is_contiguous(), name, ": ", type,
        " in one piece on a GPU is needed, not ", tensor.toString(), " ", tensor.sizes());
    TORCH_CHECK(
        reinterpret_cast<uintptr_t>(tensor.data_ptr()) % (2 * tensor.element_size()) == 0, name, " begin between two pairs of numbers");
    return tensor.data_ptr();
}

const char *selfpatch::elementDefinition(at::ScalarType type) {
    TORCH_CHECK(type == at::kFloat || type == at::kBFloat16, "kernels take float32 or bf16, not ", type);
    return type == at::kFloat ? "-DELEMENT=float" : "-DELEMENT=BFloat16";
}

void selfpatch::launch(const GPUKernel &kernel, at::Device place, GPUGrid grid, void **arguments) {
    if (grid.blocks == 0) return;
    c10::DeviceGuard current(place);
    const auto &cuda = toolkit();
    TORCH_CHECK(cuda.obstacle.empty(), "no GPU kernels: ", cuda.obstacle);
    // A thread that asked CUDA for nothing yet has no context; libtorch uses the device's primary one.
    Toolkit::Context context = nullptr;
    cuda.check(cuda.currentContext(&context), "context");
    if (!context) {
        cuda.check(cuda.retainPrimaryContext(&context, place.index()), "context");
        cuda.check(cuda.setContext(context), "context");
    }
    void *stream = c10::impl::VirtualGuardImpl(place.type()).getStream(place).native_handle();
    cuda.check(
        cuda.launch(
            function(kernel, place), static_cast<unsigned>(grid.blocks), 1, 1, static_cast<unsigned>(grid.threads), 1, 1, 0, stream,
            arguments, nullptr),
        kernel.name);
}
