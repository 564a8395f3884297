// Kernels of our own for NVIDIA's GPUs. Their text is part of the program; NVRTC, which libtorch's CUDA libraries bring along, makes
// machine code of it for the card at hand when it is first asked for. All is opened at run time: nothing of CUDA is linked.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace selfpatch {

/// Whether `place` is a GPU that has our kernels. They are tried there when this is first asked, which takes some tenths of a second.
bool hasKernels(at::Device place);

/// Why NVRTC or the driver cannot be had; empty where they can.
const std::string &toolkitObstacle();

/// A kernel: a function of a text, compiled with a definition ("-DWIDTH=384"), or with none.
struct GPUKernel {
    /// Of program-long life, without the preface.
    const char *text;
    const char *name;
    std::string definition;
};

/// How many blocks of how many threads.
struct GPUGrid {
    int64_t blocks;
    int threads;
};

/// Asks the GPU of `place` to run it after all that its current stream has to do, and comes back at once.
/// - `arguments`: the address of each of its parameters.
void launch(const GPUKernel &kernel, at::Device place, GPUGrid grid, void **arguments);

/// Parameters have to be of the very types that the kernel's text names.
template <typename... Parameters> void launch(const GPUKernel &kernel, at::Device place, GPUGrid grid, Parameters... parameters) {
    void *list[] = {static_cast<void *>(&parameters)...};
    launch(kernel, place, grid, list);
}

/// Where a tensor's numbers begin, for a kernel that takes two at once: of this type and in one piece.
void *start(const at::Tensor &tensor, at::ScalarType type, const char *name);

/// The definition of a kernel's `ELEMENT`, float32 or bf16.
const char *elementDefinition(at::ScalarType type);

/// The functions that launch them, in gpudistributions.cpp, gpulayernorm.cpp, gpuneighbors.cpp and gpuresidual.cpp, do so whatever `hasKernels` says.

/// softmax((logits - center) * inverse) of each row of [rows, K], K even; float32, in place where the logits are.
at::Tensor centeredSoftmaxOnGPU(const at::Tensor &logits, const at::Tensor &center, float inverse);

/// What `sp_cross_entropy_into_gradient` says, of products in float32 or bf16, K even; the loss in float32, a tensor of no dimension.
at::Tensor crossEntropyIntoGradientOnGPU(
    const at::Tensor &products, const at::Tensor &targets, float inverse, float mass, float weight);

/// Widths that layer norm's kernel takes: a warp holds a row.
inline bool suitsLayerNormOnGPU(int64_t width) { return width > 0 && width <= 1024 && width % 64 == 0; }

/// Layer norm over the last dimension of float32 rows in one piece, in bf16; its backward is recorded.
at::Tensor layerNormOnGPU(const at::Tensor &input, const at::Tensor &weight, const at::Tensor &bias, double epsilon);

/// What `sp_add_scaled` says, of tokens of float32 and a branch of bf16, both in one piece and their rows of an even number; its backward
/// is recorded.
at::Tensor addScaledOnGPU(const at::Tensor &tokens, const at::Tensor &branch, const std::optional<at::Tensor> &factors);

/// What `sp_neighbor_similarities` says.
at::Tensor neighborSimilaritiesOnGPU(const at::Tensor &tokens, const at::Tensor &table);

/// What `sp_neighbor_attention` says, of float32 or bf16 in all but the own logits, which are of float32; heads of an even number up to 256.
at::Tensor neighborAttentionOnGPU(
    const at::Tensor &query, const at::Tensor &keys, const at::Tensor &values, const at::Tensor &ownLogits, const at::Tensor &ownValues,
    const at::Tensor &table, const std::optional<at::Tensor> &excluded);

} // namespace selfpatch
