// The sum at the end of a residual branch of bf16, and the branch's gradient: tokens of float32 stay so.

constexpr unsigned held = 4; // pairs of a thread

// out = tokens + branch * factor of the row, which is of `each` pairs; without factors all are 1.
KERNEL add_scaled(
    const float *tokens, const BFloat16 *branch, const float *factors, float *out, unsigned pairs, unsigned each) {
    unsigned first = blockIdx.x * held * blockDim.x + threadIdx.x;
    Pair x[held], y[held];
#pragma unroll
    for (unsigned n = 0; n < held; ++n) {
        unsigned i = first + n * blockDim.x;
        if (i >= pairs) continue;
        x[n] = load(tokens, i);
        y[n] = load(branch, i);
    }
#pragma unroll
    for (unsigned n = 0; n < held; ++n) {
        unsigned i = first + n * blockDim.x;
        if (i >= pairs) continue;
        float factor = factors ? factors[i / each] : 1.0f;
        store(out, i, {x[n].x + y[n].x * factor, x[n].y + y[n].y * factor});
    }
}

// out = upstream * factor of the row, rounded.
KERNEL scale_rounded(const float *upstream, const float *factors, BFloat16 *out, unsigned pairs, unsigned each) {
    unsigned first = blockIdx.x * held * blockDim.x + threadIdx.x;
    Pair x[held];
#pragma unroll
    for (unsigned n = 0; n < held; ++n) {
        unsigned i = first + n * blockDim.x;
        if (i < pairs) x[n] = load(upstream, i);
    }
#pragma unroll
    for (unsigned n = 0; n < held; ++n) {
        unsigned i = first + n * blockDim.x;
        if (i >= pairs) continue;
        float factor = factors ? factors[i / each] : 1.0f;
        store(out, i, {x[n].x * factor, x[n].y * factor});
    }
}
