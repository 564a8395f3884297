// Kernels of the program's own. NVRTC and the driver's half that runs its code: the texts are compiled into this library, as C++, and a
// block's threads take turns, each going on until it has to meet the others.
#include "fake.hpp"
#include "FakeCUDA.h"

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace fake {

namespace {

struct Index { unsigned x; };

/// A thread of the block that runs now.
struct Thread {
    ucontext_t start;
    jmp_buf place;
    std::vector<char> stack;
    bool isBegun = false, isDone = false;
    float offered[2];
};

/// Threads that wait for one another: a warp or a block.
struct Group {
    unsigned members, waiting = 0, meetings = 0;

    void meetIfComplete() {
        if (waiting < members) return;
        waiting = 0;
        ++meetings;
    }
};

Index blockDim, gridDim, blockIdx, threadIdx;
std::vector<Thread> threads;
std::vector<Group> warps;
Group block;
std::function<void()> body;
jmp_buf scheduler;

Thread &self() { return threads[threadIdx.x]; }

void begin() {
    body();
    self().isDone = true;
    for (auto *group : {&warps[threadIdx.x / 32], &block}) {
        --group->members;
        group->meetIfComplete();
    }
    _longjmp(scheduler, 1);
}

/// Lets the others go on.
void takeTurns() {
    unsigned own = threadIdx.x;
    if (_setjmp(threads[own].place) == 0) _longjmp(scheduler, 1);
}

/// Comes back when all of the group that are still there have come as far.
void meet(Group &group) {
    unsigned before = group.meetings;
    ++group.waiting;
    group.meetIfComplete();
    while (group.meetings == before) takeTurns();
}

/// All of a block. In every second round the last thread comes first: what relies upon an order is found out.
void runBlock() {
    for (auto &thread : threads) thread.isBegun = thread.isDone = false;
    auto count = static_cast<unsigned>(threads.size());
    warps.assign(count / 32, Group{32});
    block = Group{count};
    for (long round = 0;; ++round) {
        TORCH_CHECK(round < 1'000'000, "the fake GPU: threads of a block wait for one another for ever");
        bool isAllDone = true;
        for (unsigned i = 0; i < count; ++i) {
            threadIdx.x = round % 2 ? count - 1 - i : i;
            if (self().isDone) continue;
            isAllDone = false;
            if (_setjmp(scheduler) != 0) continue;
            if (self().isBegun) _longjmp(self().place, 1);
            self().isBegun = true;
            getcontext(&self().start);
            self().stack.resize(1 << 15);
            self().start.uc_stack.ss_sp = self().stack.data();
            self().start.uc_stack.ss_size = self().stack.size();
            self().start.uc_link = nullptr;
            makecontext(&self().start, begin, 0);
            setcontext(&self().start);
        }
        if (isAllDone) return;
    }
}

// What the texts use of CUDA.

#define __device__
#define __shared__ static // blocks run one after the other
#define KERNEL static void

struct float2 { float x, y; };

void __syncthreads() { meet(block); }

float __shfl_xor_sync(unsigned, float value, int far) {
    unsigned own = threadIdx.x;
    // The next exchange takes the other place: nobody can be further ahead than that.
    unsigned place = warps[own / 32].meetings % 2;
    self().offered[place] = value;
    meet(warps[own / 32]);
    return threads[own ^ static_cast<unsigned>(far)].offered[place];
}

float __uint_as_float(unsigned bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
unsigned __float_as_uint(float value) {
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
}
float __int_as_float(unsigned bits) { return __uint_as_float(bits); }
float rsqrtf(float value) { return 1 / std::sqrt(value); }
using std::log;
using std::sqrt;

#include "../../Sources/CSelfPatchTorch/kernels/preface.cu"

namespace residual {
#include "../../Sources/CSelfPatchTorch/kernels/residual.cu"
} // namespace residual

namespace floats {
#define ELEMENT float
#include "../../Sources/CSelfPatchTorch/kernels/distributions.cu"
#include "../../Sources/CSelfPatchTorch/kernels/neighbors.cu"
#undef ELEMENT
} // namespace floats

namespace bfloat16 {
#define ELEMENT BFloat16
#include "../../Sources/CSelfPatchTorch/kernels/distributions.cu"
#include "../../Sources/CSelfPatchTorch/kernels/neighbors.cu"
#undef ELEMENT
} // namespace bfloat16

namespace width64 {
#define WIDTH 64
#include "../../Sources/CSelfPatchTorch/kernels/layernorm.cu"
#undef WIDTH
} // namespace width64

namespace width192 {
#define WIDTH 192
#include "../../Sources/CSelfPatchTorch/kernels/layernorm.cu"
#undef WIDTH
} // namespace width192

namespace width384 {
#define WIDTH 384
#include "../../Sources/CSelfPatchTorch/kernels/layernorm.cu"
#undef WIDTH
} // namespace width384

using Kernel = std::function<void(void **)>;

template <typename... Parameters, size_t... I>
void call(void (*kernel)(Parameters...), void **arguments, std::index_sequence<I...>) {
    kernel(*static_cast<Parameters *>(arguments[I])...);
}

template <typename... Parameters> Kernel taking(void (*kernel)(Parameters...)) {
    return [=](void **arguments) { call(kernel, arguments, std::index_sequence_for<Parameters...>()); };
}

const std::map<std::string, Kernel> &kernels() {
    static const std::map<std::string, Kernel> all = {
        {"centered_softmax -DELEMENT=float", taking(floats::centered_softmax)},
        {"centered_softmax_of_long_rows -DELEMENT=float", taking(floats::centered_softmax_of_long_rows)},
        {"centered_softmax -DELEMENT=BFloat16", taking(bfloat16::centered_softmax)},
        {"centered_softmax_of_long_rows -DELEMENT=BFloat16", taking(bfloat16::centered_softmax_of_long_rows)},
        {"cross_entropy_into_gradient -DELEMENT=float", taking(floats::cross_entropy_into_gradient)},
        {"cross_entropy_into_gradient_of_long_rows -DELEMENT=float", taking(floats::cross_entropy_into_gradient_of_long_rows)},
        {"cross_entropy_into_gradient -DELEMENT=BFloat16", taking(bfloat16::cross_entropy_into_gradient)},
        {"cross_entropy_into_gradient_of_long_rows -DELEMENT=BFloat16", taking(bfloat16::cross_entropy_into_gradient_of_long_rows)},
        {"neighbor_similarities -DELEMENT=float", taking(floats::neighbor_similarities)},
        {"neighbor_attention -DELEMENT=float", taking(floats::neighbor_attention)},
        {"neighbor_attention -DELEMENT=BFloat16", taking(bfloat16::neighbor_attention)},
        {"add_scaled", taking(residual::add_scaled)},
        {"scale_rounded", taking(residual::scale_rounded)},
        {"layer_norm -DWIDTH=64", taking(width64::layer_norm)},
        {"layer_norm -DWIDTH=192", taking(width192::layer_norm)},
        {"layer_norm -DWIDTH=384", taking(width384::layer_norm)},
        {"layer_norm_gradient -DWIDTH=64", taking(width64::layer_norm_gradient)},
        {"layer_norm_gradient -DWIDTH=192", taking(width192::layer_norm_gradient)},
        {"layer_norm_gradient -DWIDTH=384", taking(width384::layer_norm_gradient)},
    };
    return all;
}

void run(const std::string &key, unsigned blocks, unsigned size, void **arguments) {
    static std::mutex one;
    std::lock_guard guard(one);
    const auto &kernel = kernels().at(key);
    blockDim.x = size;
    gridDim.x = blocks;
    threads.resize(size);
    body = [&] { kernel(arguments); };
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) runBlock();
}

/// The kernel's name in that under which it stands above, which is followed by its definition, if it has one.
std::string nameIn(const std::string &key) { return key.substr(0, key.find(' ')); }

/// A program of NVRTC's; its machine code is the name under which its kernel stands above.
struct Program {
    std::string name, code;
};

} // namespace

} // namespace fake

using fake::Program;

int nvrtcCreateProgram(void **program, const char *, const char *name, int, const char *const *, const char *const *) {
    *program = new Program{name, ""};
    return 0;
}

int nvrtcCompileProgram(void *program, int count, const char *const *options) {
    auto *made = static_cast<Program *>(program);
    made->code = made->name;
    bool hasTarget = false;
    for (int i = 0; i < count; ++i) {
        std::string option = options[i];
        if (option.rfind("-D", 0) == 0) made->code += " " + option;
        hasTarget = hasTarget || option == "--gpu-architecture=sm_90";
    }
    return hasTarget && fake::kernels().count(made->code) ? 0 : 6;
}

int nvrtcGetProgramLogSize(void *program, size_t *size) {
    *size = static_cast<Program *>(program)->code.size() + 1;
    return 0;
}

int nvrtcGetProgramLog(void *program, char *log) {
    strcpy(log, static_cast<Program *>(program)->code.c_str());
    return 0;
}

int nvrtcGetCUBINSize(void *program, size_t *size) { return nvrtcGetProgramLogSize(program, size); }
int nvrtcGetCUBIN(void *program, char *code) { return nvrtcGetProgramLog(program, code); }

int nvrtcDestroyProgram(void **program) {
    delete static_cast<Program *>(*program);
    *program = nullptr;
    return 0;
}

const char *nvrtcGetErrorString(int) { return "the fake GPU was not built with this kernel"; }

int cuDeviceGetAttribute(int *value, int attribute, int) {
    *value = attribute == 75 ? 9 : 0; // capability 9.0
    return 0;
}

int cuCtxGetCurrent(void **context) {
    *context = nullptr;
    return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
    *context = context;
    return 0;
}
int cuCtxSetCurrent(void *context) { return context ? 0 : 201; }

int cuModuleLoadData(void **module, const void *code) {
    *module = new std::string(static_cast<const char *>(code));
    return 0;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    *function = module;
    return fake::nameIn(*static_cast<std::string *>(module)) == name ? 0 : 500;
}

int cuLaunchKernel(
    void *function, unsigned blocks, unsigned, unsigned, unsigned threads, unsigned, unsigned, unsigned, void *stream, void **arguments,
    void **) {
    // Only the first stream does its work at once.
    if (stream != fake::streamHandle(fake::currentStream()) || fake::isAside()) return 400;
    const auto &key = *static_cast<std::string *>(function);
    fake::countOperation("kernel " + fake::nameIn(key));
    const char *broken = getenv("FAKE_CUDA_BROKEN_KERNEL");
    if (!broken || broken != fake::nameIn(key)) fake::run(key, blocks, threads, arguments);
    return 0;
}

int cuGetErrorString(int, const char **text) {
    *text = "the fake GPU cannot do this";
    return 0;
}
