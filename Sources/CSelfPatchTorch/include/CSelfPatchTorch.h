// All that Swift sees of libtorch: plain C, one opaque handle, errors as values.
//
// A handle owns one reference to a tensor. Functions that make a tensor give it to the caller through `out`; whoever holds it
// calls `sp_tensor_release` once. Every function that can fail returns an error to be freed with `sp_error_free`, or null.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SP_CHECKED __attribute__((warn_unused_result))

typedef struct sp_tensor_s *sp_tensor;
typedef struct sp_generator_s *sp_generator;

typedef enum { SP_ERROR_TORCH = 0, SP_ERROR_OUT_OF_MEMORY = 1, SP_ERROR_UNKNOWN = 2 } sp_error_kind;

typedef struct {
    sp_error_kind kind;
    const char *message;
} sp_error;

void sp_error_free(sp_error *error);

/// Numbers as in c10::ScalarType.
typedef enum {
    SP_UINT8 = 0, SP_INT8 = 1, SP_INT16 = 2, SP_INT32 = 3, SP_INT64 = 4, SP_FLOAT16 = 5, SP_FLOAT32 = 6, SP_FLOAT64 = 7,
    SP_BOOL = 11, SP_BFLOAT16 = 15,
} sp_type;

typedef enum { SP_CPU = 0, SP_CUDA = 1, SP_MPS = 2 } sp_device_kind;

typedef struct {
    sp_device_kind kind;
    int32_t index;
} sp_device;

/// A shape or a list of dimensions, borrowed for the call.
typedef struct {
    const int64_t *values;
    size_t count;
} sp_ints;

// tensor.cpp: life, making, looking, moving

void sp_tensor_release(sp_tensor tensor);
/// One more reference to the same tensor.
sp_tensor sp_tensor_share(sp_tensor tensor);
/// Tensors alive that were given to a caller and not yet released.
int64_t sp_tensor_live_count(void);

SP_CHECKED sp_error *sp_empty(sp_ints shape, sp_type type, sp_device device, sp_tensor *out);
SP_CHECKED sp_error *sp_full(sp_ints shape, double value, sp_type type, sp_device device, sp_tensor *out);
SP_CHECKED sp_error *sp_arange(int64_t count, sp_type type, sp_device device, sp_tensor *out);
/// Copies `byte_count` bytes, which must be those of a contiguous tensor of this shape, into fresh memory on the CPU.
SP_CHECKED sp_error *sp_from_bytes(const void *bytes, size_t byte_count, sp_ints shape, sp_type type, sp_tensor *out);
SP_CHECKED sp_error *sp_normal(sp_ints shape, double mean, double deviation, sp_generator generator, sp_tensor *out);
SP_CHECKED sp_error *sp_uniform(sp_ints shape, double low, double high, sp_generator generator, sp_tensor *out);

size_t sp_rank(sp_tensor tensor);
int64_t sp_size(sp_tensor tensor, size_t dimension);
int64_t sp_element_count(sp_tensor tensor);
sp_type sp_element_type(sp_tensor tensor);
sp_device sp_tensor_device(sp_tensor tensor);
bool sp_is_contiguous(sp_tensor tensor);
/// The first element of a contiguous tensor on the CPU; an error otherwise.
SP_CHECKED sp_error *sp_data(sp_tensor tensor, void **out);
SP_CHECKED sp_error *sp_item(sp_tensor tensor, double *out);

SP_CHECKED sp_error *sp_cast(sp_tensor tensor, sp_type type, sp_tensor *out);
/// A copy from the CPU to CUDA joins what the GPU has to do, and nothing waits for it; every other copy is done on return.
SP_CHECKED sp_error *sp_move(sp_tensor tensor, sp_device device, sp_tensor *out);
SP_CHECKED sp_error *sp_contiguous(sp_tensor tensor, sp_tensor *out);
SP_CHECKED sp_error *sp_clone(sp_tensor tensor, sp_tensor *out);
SP_CHECKED sp_error *sp_detach(sp_tensor tensor, sp_tensor *out);
SP_CHECKED sp_error *sp_copy_into(sp_tensor target, sp_tensor source);
SP_CHECKED sp_error *sp_fill_into(sp_tensor target, double value);

// upload.cpp: to a GPU beside what it does

typedef struct sp_upload_s *sp_upload;

/// Memory of the host that a GPU reads by itself.
SP_CHECKED sp_error *sp_empty_pinned(sp_ints shape, sp_type type, sp_tensor *out);
/// Begins to copy pinned memory to a GPU, on a stream of its own, and comes back at once.
SP_CHECKED sp_error *sp_upload_begin(sp_tensor source, sp_device device, sp_upload *out);
/// What arrives, once. Whatever the calling thread asks of the GPU afterwards waits for it there, and the host for nothing.
SP_CHECKED sp_error *sp_upload_take(sp_upload upload, sp_tensor *out);
/// Waits until the source has been read.
SP_CHECKED sp_error *sp_upload_wait(sp_upload upload);
void sp_upload_release(sp_upload upload);

// math.cpp: element by element, reductions, products

typedef enum {
    SP_ADD, SP_SUBTRACT, SP_MULTIPLY, SP_DIVIDE, SP_MAXIMUM, SP_MINIMUM, SP_POWER, SP_LESS, SP_GREATER, SP_OR,
} sp_binary_operation;

typedef enum {
    SP_NEGATE, SP_EXP, SP_LOG, SP_ABS, SP_SQUARE, SP_SIGMOID, SP_RELU, SP_IS_FINITE,
} sp_unary_operation;

typedef enum { SP_SUM, SP_MEAN, SP_MAX, SP_MIN, SP_LOG_SUM_EXP, SP_NORM, SP_ALL } sp_reduction;

SP_CHECKED sp_error *sp_binary(sp_binary_operation operation, sp_tensor a, sp_tensor b, sp_tensor *out);
SP_CHECKED sp_error *sp_binary_number(sp_binary_operation operation, sp_tensor a, double b, sp_tensor *out);
SP_CHECKED sp_error *sp_number_binary(sp_binary_operation operation, double a, sp_tensor b, sp_tensor *out);
/// a += scale * b, in place.
SP_CHECKED sp_error *sp_add_into(sp_tensor a, sp_tensor b, double scale);
SP_CHECKED sp_error *sp_multiply_into(sp_tensor a, double number);
SP_CHECKED sp_error *sp_unary(sp_unary_operation operation, sp_tensor a, sp_tensor *out);
/// Over `dimensions`, or over all when their count is 0.
SP_CHECKED sp_error *sp_reduce(sp_reduction reduction, sp_tensor a, sp_ints dimensions, bool keep, sp_tensor *out);
SP_CHECKED sp_error *sp_arg_max(sp_tensor a, int64_t dimension, sp_tensor *out);
SP_CHECKED sp_error *sp_top_k(sp_tensor a, int64_t k, int64_t dimension, sp_tensor *values, sp_tensor *indices);
SP_CHECKED sp_error *sp_sort(sp_tensor a, int64_t dimension, bool descending, sp_tensor *values, sp_tensor *indices);
SP_CHECKED sp_error *sp_matmul(sp_tensor a, sp_tensor b, sp_tensor *out);
/// The same in the operands' own type, whatever autocast says.
SP_CHECKED sp_error *sp_matmul_uncast(sp_tensor a, sp_tensor b, sp_tensor *out);
/// into += a * b for matrices, in place: beta * into + alpha * a * b.
SP_CHECKED sp_error *sp_matmul_into(sp_tensor into, sp_tensor a, sp_tensor b, double beta, double alpha);
SP_CHECKED sp_error *sp_where(sp_tensor condition, sp_tensor a, sp_tensor b, sp_tensor *out);
SP_CHECKED sp_error *sp_masked_fill(sp_tensor a, sp_tensor mask, double value, sp_tensor *out);
/// Eigenvalues, ascending, and eigenvectors, in columns, of a symmetric matrix.
SP_CHECKED sp_error *sp_symmetric_eigen(sp_tensor a, sp_tensor *values, sp_tensor *vectors);

// shape.cpp: the same numbers, seen or picked otherwise

SP_CHECKED sp_error *sp_reshape(sp_tensor a, sp_ints shape, sp_tensor *out);
SP_CHECKED sp_error *sp_permute(sp_tensor a, sp_ints order, sp_tensor *out);
SP_CHECKED sp_error *sp_expand(sp_tensor a, sp_ints shape, sp_tensor *out);
SP_CHECKED sp_error *sp_narrow(sp_tensor a, int64_t dimension, int64_t start, int64_t length, sp_tensor *out);
SP_CHECKED sp_error *sp_select(sp_tensor a, int64_t dimension, int64_t index, sp_tensor *out);
SP_CHECKED sp_error *sp_unsqueeze(sp_tensor a, int64_t dimension, sp_tensor *out);
SP_CHECKED sp_error *sp_squeeze(sp_tensor a, int64_t dimension, sp_tensor *out);
SP_CHECKED sp_error *sp_cat(const sp_tensor *tensors, size_t count, int64_t dimension, sp_tensor *out);
SP_CHECKED sp_error *sp_stack(const sp_tensor *tensors, size_t count, int64_t dimension, sp_tensor *out);
SP_CHECKED sp_error *sp_roll(sp_tensor a, sp_ints shifts, sp_ints dimensions, sp_tensor *out);
SP_CHECKED sp_error *sp_flip(sp_tensor a, sp_ints dimensions, sp_tensor *out);
SP_CHECKED sp_error *sp_index_select(sp_tensor a, int64_t dimension, sp_tensor indices, sp_tensor *out);
SP_CHECKED sp_error *sp_gather(sp_tensor a, int64_t dimension, sp_tensor indices, sp_tensor *out);
SP_CHECKED sp_error *sp_scatter_number(sp_tensor a, int64_t dimension, sp_tensor indices, double value, sp_tensor *out);
/// `padding` from the last dimension backwards, two numbers each: before, after.
SP_CHECKED sp_error *sp_pad(sp_tensor a, sp_ints padding, double value, sp_tensor *out);

// products.cpp, attention.cpp, residual.cpp and neural.cpp: the operations of layers

SP_CHECKED sp_error *sp_linear(sp_tensor input, sp_tensor weight, sp_tensor bias_or_null, sp_tensor *out);
SP_CHECKED sp_error *sp_layer_norm(sp_tensor input, sp_tensor weight, sp_tensor bias, double epsilon, sp_tensor *out);
/// The same for linear maps alone: in bf16 where autocast would cast it to that next and a GPU has the kernel.
SP_CHECKED sp_error *sp_layer_norm_for_products(
    sp_tensor input, sp_tensor weight, sp_tensor bias, double epsilon, sp_tensor *out);
/// tokens + branch * factors, or tokens + branch: tokens and branch [rows, tokens, width], each in its type; factors [rows, 1, 1] float32.
SP_CHECKED sp_error *sp_add_scaled(sp_tensor tokens, sp_tensor branch, sp_tensor factors_or_null, sp_tensor *out);
SP_CHECKED sp_error *sp_gelu(sp_tensor input, sp_tensor *out);
SP_CHECKED sp_error *sp_softmax(sp_tensor input, int64_t dimension, sp_tensor *out);
SP_CHECKED sp_error *sp_log_softmax(sp_tensor input, int64_t dimension, sp_tensor *out);
/// Of an image's tokens to one another: [images, tokens, 3 * width] to [images, tokens, width].
SP_CHECKED sp_error *sp_self_attention(sp_tensor query_key_value, int64_t heads, sp_tensor *out);
/// Row-wise weight * gain / |weight|, the projection heads' last layer.
SP_CHECKED sp_error *sp_weight_norm(sp_tensor weight, sp_tensor gain, sp_tensor *out);
SP_CHECKED sp_error *sp_convolution(
    sp_tensor input, sp_tensor weight, sp_tensor bias_or_null, int64_t stride, int64_t padding, sp_tensor *out);
SP_CHECKED sp_error *sp_transposed_convolution(
    sp_tensor input, sp_tensor weight, sp_tensor bias_or_null, int64_t stride, sp_tensor *out);
SP_CHECKED sp_error *sp_batch_norm(
    sp_tensor input, sp_tensor weight, sp_tensor bias, sp_tensor mean, sp_tensor variance, bool training, double momentum,
    double epsilon, sp_tensor *out);
SP_CHECKED sp_error *sp_max_pool(sp_tensor input, int64_t size, int64_t stride, int64_t padding, sp_tensor *out);
SP_CHECKED sp_error *sp_adaptive_mean_pool(sp_tensor input, int64_t rows, int64_t columns, sp_tensor *out);
SP_CHECKED sp_error *sp_resize_bilinear(sp_tensor input, int64_t rows, int64_t columns, sp_tensor *out);
SP_CHECKED sp_error *sp_resize_nearest(sp_tensor input, int64_t rows, int64_t columns, sp_tensor *out);
SP_CHECKED sp_error *sp_resize_bicubic(sp_tensor input, int64_t rows, int64_t columns, bool antialias, sp_tensor *out);
/// Mean over what is not ignored. `logits` [n, classes, ...], `labels` [n, ...] int64.
SP_CHECKED sp_error *sp_cross_entropy(sp_tensor logits, sp_tensor labels, int64_t ignore, sp_tensor *out);
/// Of each logit with its target in [0, 1].
SP_CHECKED sp_error *sp_binary_cross_entropies(sp_tensor logits, sp_tensor targets, sp_tensor *out);

// gputrial.cpp

/// Why a GPU has no kernels of this program's own, which are then done without; null where it has. The first call for a GPU tries them
/// there, against libtorch's operations, and waits for it.
const char *sp_gpu_kernel_obstacle(sp_device device);

// distributions.cpp, neighbors.cpp: this program's own kernels on the CPU and on GPUs

/// Whether these kernels take such rows [rows, K]: float32 on the CPU; float32 and bf16 and an even K on a GPU that has them.
bool sp_suits_loss_kernels(sp_tensor rows);
/// softmax((logits - center) / temperature) of logits [rows, K], in float32: in place where the logits are.
SP_CHECKED sp_error *sp_centered_softmax(sp_tensor logits, sp_tensor center, double temperature, sp_tensor *out);
/// products [rows, K] become the gradient of sum of weight * (mass * lse(s) - q s), s = products / temperature, with respect to
/// themselves; row r meets target r mod (rows of targets, float32). `loss` is that sum, a float32 tensor of no dimension.
SP_CHECKED sp_error *sp_cross_entropy_into_gradient(
    sp_tensor products, sp_tensor targets, double temperature, double mass, double weight, sp_tensor *loss);

/// Whether the next two take rows of this type and length: float32 on the CPU; float32 and bf16 of an even length on a GPU that has our
/// kernels, where heads are of up to 256 numbers. Tokens and own logits are of float32 everywhere.
bool sp_suits_neighbor_kernels(sp_tensor rows);
/// Cosine of each patch with each of its candidates: tokens [images, patches, width], table [candidates, patches] int64;
/// [images, patches, candidates].
SP_CHECKED sp_error *sp_neighbor_similarities(sp_tensor tokens, sp_tensor table, sp_tensor *out);
/// Softmax attention of one class token a patch (or one for all) to itself and to that patch's candidates that are not excluded.
/// query, own values [images, patches, heads, e] or [1, 1, heads, e], own logits without e; keys, values [images, patches, heads, e];
/// excluded [images or 1, patches, candidates] bool; [images, patches, heads * e].
SP_CHECKED sp_error *sp_neighbor_attention(
    sp_tensor query, sp_tensor keys, sp_tensor values, sp_tensor own_logits, sp_tensor own_values, sp_tensor table,
    sp_tensor excluded_or_null, sp_tensor *out);

// propagation.cpp: for float32 on the CPU

/// Tokens [rows * columns, width] as `sp_propagate_labels` reads them for windows of this radius.
SP_CHECKED sp_error *sp_window_keys(sp_tensor tokens, int64_t rows, int64_t columns, int64_t radius, sp_tensor *out);
/// For each of the queries [rows * columns, width] the mean of `labels` over the patches of all frames, at most `radius` rows and
/// columns away, whose product with the query is among the `top` largest (all that equal the last of these count), with weights
/// exp(product / temperature). keys: of `sp_window_keys` with this radius; labels: [rows * columns, objects]; `count` of each.
SP_CHECKED sp_error *sp_propagate_labels(
    sp_tensor queries, const sp_tensor *keys, const sp_tensor *labels, size_t count, int64_t rows, int64_t columns,
    int64_t radius, int64_t top, double temperature, sp_tensor *out);

// regions.cpp and suppression.cpp: what detectors need and libtorch lacks

/// RoIAlign with half a cell's shift: map [images, channels, rows, columns], regions [regions, 5] (image, x1, y1, x2, y2), which are
/// multiplied by `scale`; each bin averages `samples` points a direction, with 0 one for every cell begun.
/// [regions, channels, size, size], float64 for such a map, else float32. The gradient goes to the map alone.
SP_CHECKED sp_error *sp_aligned_regions(
    sp_tensor map, sp_tensor regions, int64_t size, double scale, int64_t samples, sp_tensor *out);
/// Of boxes [n, 4], best score first and of equal ones the lower index, those that no kept one of their group (int64; null: one for
/// all) overlaps by more than `overlap`: indices, in this order.
SP_CHECKED sp_error *sp_suppression(
    sp_tensor boxes, sp_tensor scores, sp_tensor groups_or_null, double overlap, sp_tensor *out);

// autograd.cpp

void sp_set_requires_gradient(sp_tensor tensor, bool requires);
bool sp_requires_gradient(sp_tensor tensor);
/// Null in `out` when there is none.
SP_CHECKED sp_error *sp_gradient(sp_tensor tensor, sp_tensor *out);
SP_CHECKED sp_error *sp_set_gradient(sp_tensor tensor, sp_tensor gradient_or_null);
/// `gradients` may be null: ones, for single numbers.
SP_CHECKED sp_error *sp_backward(const sp_tensor *roots, const sp_tensor *gradients, size_t count);
/// A view of `value` whose backward hands `upstream * gradients[i]` to `inputs[i]`: for losses that compute their own gradients.
SP_CHECKED sp_error *sp_with_gradients(
    sp_tensor value, const sp_tensor *inputs, const sp_tensor *gradients, size_t count, sp_tensor *out);
/// From one tensor to another, as often as it is asked to; gives one reference. Called on the thread that asks.
typedef sp_tensor (*sp_computation)(void *context, sp_tensor input);
/// `compute(context, input)`, of which nothing is kept but `input`: its backward computes it again. `input` must require a gradient.
/// `release(context)` is called when that can no longer happen.
SP_CHECKED sp_error *sp_recomputed(
    sp_tensor input, sp_computation compute, void *context, void (*release)(void *), sp_tensor *out);
/// Sets this thread's mode and returns the former one.
bool sp_set_gradient_mode(bool enabled);
/// Sets this thread's autocast for a kind of device and returns whether it was on. libtorch keeps the cast copies of weights that
/// learn until it is turned off: then they are thrown away, for the weights may change.
bool sp_set_autocast(sp_device_kind kind, bool enabled, sp_type type);

// optimizer.cpp: one call over all parameters

/// AdamW on each tensor with its own step counter (`steps`: one-element float32 tensors, already advanced). In place.
SP_CHECKED sp_error *sp_adamw(
    const sp_tensor *weights, const sp_tensor *gradients, const sp_tensor *first_moments, const sp_tensor *second_moments,
    const sp_tensor *steps, size_t count, double rate, double beta1, double beta2, double decay, double epsilon);
/// a += weight * (b - a) for each pair, in place.
SP_CHECKED sp_error *sp_lerp_all(const sp_tensor *a, const sp_tensor *b, size_t count, double weight);
/// The Euclidean norm of each tensor, as one tensor [count].
SP_CHECKED sp_error *sp_norms(const sp_tensor *tensors, size_t count, sp_tensor *out);
/// Multiplies tensor i by `factors[i]`, in place.
SP_CHECKED sp_error *sp_scale_all(const sp_tensor *tensors, const double *factors, size_t count);

// arena.cpp: memory for large tensors on the CPU

/// From now on it stays with the process; before the first tensor.
void sp_keep_memory(void);
/// The most bytes that large tensors on the CPU have taken together.
int64_t sp_peak_tensor_bytes(void);

// device.cpp: what the machine offers

/// Once, before anything else: warnings of libtorch stay silent.
void sp_initialize(void);
const char *sp_version(void);
/// The file that libtorch was loaded from. Static memory.
const char *sp_library_path(void);
const char *sp_cpu_capability(void);
int32_t sp_thread_count(void);
void sp_set_thread_count(int32_t count);
/// GPUs that NVIDIA's driver knows, asked without loading libtorch's library; 0 without a driver.
int32_t sp_cuda_driver_device_count(void);
/// Opens libtorch's CUDA library beside the CPU's. Must come before the first backward. Returns whether a GPU can be used.
SP_CHECKED sp_error *sp_open_cuda(bool *available);
bool sp_mps_is_available(void);
int32_t sp_cuda_device_count(void);
SP_CHECKED sp_error *sp_cuda_memory(int32_t device, int64_t *free_bytes, int64_t *total_bytes, int64_t *peak_bytes);
SP_CHECKED sp_error *sp_synchronize(sp_device device);
/// Draws on the CPU.
SP_CHECKED sp_error *sp_generator_make(uint64_t seed, sp_generator *out);
void sp_generator_release(sp_generator generator);

// trace.cpp: where the time of a computation goes, on the thread that started the trace

typedef struct sp_span {
    /// As it was entered; of a backward's node the name that was entered around its forward, null where there was none.
    const char *name;
    /// What a backward's node is called; null where the span was entered by name.
    const char *node;
    /// Spans around it.
    int32_t depth;
    /// Nanoseconds of one clock.
    int64_t begin, end;
} sp_span;

SP_CHECKED sp_error *sp_trace_start(void);
bool sp_is_tracing(void);
/// Both do nothing where there is no trace.
void sp_trace_enter(const char *name);
void sp_trace_leave(void);
/// Ends the trace; shows its spans, in the order in which they began.
void sp_trace_stop(void (*visit)(void *context, const sp_span *spans, size_t count), void *context);

#ifdef __cplusplus
}
#endif
