// In front of every kernel's text: types, loads and stores of two numbers at once, and sums over the threads of a warp or block.
// NVRTC compiles it without any header; `ELEMENT`, float or BFloat16, and `WIDTH` are given with the options.
#ifndef KERNEL
#define KERNEL extern "C" __global__ void
#endif

struct BFloat16 { unsigned short bits; };
struct Pair { float x, y; };
static __device__ inline Pair load(const float *from, long long pair) {
    float2 both = reinterpret_cast<const float2 *>(from)[pair];
    return {both.x, both.y};
}
static __device__ inline Pair load(const BFloat16 *from, long long pair) {
    unsigned both = reinterpret_cast<const unsigned *>(from)[pair];
    return {__uint_as_float(both << 16), __uint_as_float(both & 0xffff0000u)};
}
static __device__ inline void store(float *to, long long pair, Pair value) {
    reinterpret_cast<float2 *>(to)[pair] = {value.x, value.y};
}
// To the nearest, to the even one of two; no number stays none.
static __device__ inline unsigned rounded(float value) {
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0u;
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}
static __device__ inline void store(BFloat16 *to, long long pair, Pair value) {
    reinterpret_cast<unsigned *>(to)[pair] = rounded(value.x) | rounded(value.y) << 16;
}
struct Sum {
    __device__ float operator()(float a, float b) const { return a + b; }
};
struct Largest {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
template <typename Operation> static __device__ inline float ofWarp(float value, Operation operation) {
    for (int far = 16; far > 0; far /= 2) value = operation(value, __shfl_xor_sync(0xffffffffu, value, far));
    return value;
}
// The same number in every thread.
template <typename Operation> static __device__ inline float ofBlock(float value, Operation operation) {
    __shared__ float parts[32];
    value = ofWarp(value, operation);
    __syncthreads(); // the parts of the time before have been read
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[0];
    for (int warp = 1; warp < static_cast<int>(blockDim.x / 32); ++warp) value = operation(value, parts[warp]);
    return value;
}
