// Layer norm of float32 rows of WIDTH elements, a multiple of 64, as products in bf16 want it; one warp a row.

constexpr int pairs = WIDTH / 64; // of a lane
static __device__ inline float normedSum(const Pair *values) {
    float sum = 0;
    for (int i = 0; i < pairs; ++i) sum += values[i].x + values[i].y;
    return ofWarp(sum, Sum());
}

// out = (x - mean) * inverse deviation * weight + bias; both statistics of each row go where the backward finds them.
KERNEL layer_norm(
    const float *input, const float *weight, const float *bias, BFloat16 *out, float *means, float *inverses, long long rows,
    float epsilon) {
    int lane = threadIdx.x % 32;
    long long row = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    Pair x[pairs], squares[pairs];
    for (int i = 0; i < pairs; ++i) x[i] = load(input, row * (WIDTH / 2) + lane + 32 * i);
    float mean = normedSum(x) / WIDTH;
    for (int i = 0; i < pairs; ++i) squares[i] = {(x[i].x - mean) * (x[i].x - mean), (x[i].y - mean) * (x[i].y - mean)};
    float inverse = rsqrtf(normedSum(squares) / WIDTH + epsilon);
    for (int i = 0; i < pairs; ++i) {
        Pair w = load(weight, lane + 32 * i), b = load(bias, lane + 32 * i);
        store(
            out, row * (WIDTH / 2) + lane + 32 * i,
            {(x[i].x - mean) * inverse * w.x + b.x, (x[i].y - mean) * inverse * w.y + b.y});
    }
    if (lane == 0) {
        means[row] = mean;
        inverses[row] = inverse;
    }
}

// The gradient of the input, and of each warp's rows the sums that make those of weight and bias: partials[warp][2][WIDTH].
KERNEL layer_norm_gradient(
    const BFloat16 *upstream, const float *input, const float *weight, const float *means, const float *inverses, float *gradient,
    float *partials, long long rows) {
    int lane = threadIdx.x % 32;
    long long first = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
    long long warps = static_cast<long long>(gridDim.x) * (blockDim.x / 32);
    Pair ofWeight[pairs], ofBias[pairs];
    for (int i = 0; i < pairs; ++i) ofWeight[i] = ofBias[i] = {0, 0};
    for (long long row = first; row < rows; row += warps) {
        float mean = means[row], inverse = inverses[row];
        Pair g[pairs], normed[pairs], products[pairs];
        for (int i = 0; i < pairs; ++i) {
            Pair x = load(input, row * (WIDTH / 2) + lane + 32 * i), w = load(weight, lane + 32 * i);
            Pair u = load(upstream, row * (WIDTH / 2) + lane + 32 * i);
            normed[i] = {(x.x - mean) * inverse, (x.y - mean) * inverse};
            ofWeight[i] = {ofWeight[i].x + u.x * normed[i].x, ofWeight[i].y + u.y * normed[i].y};
            ofBias[i] = {ofBias[i].x + u.x, ofBias[i].y + u.y};
            g[i] = {u.x * w.x, u.y * w.y};
            products[i] = {g[i].x * normed[i].x, g[i].y * normed[i].y};
        }
        float sum = normedSum(g) / WIDTH, product = normedSum(products) / WIDTH;
        for (int i = 0; i < pairs; ++i) {
            store(
                gradient, row * (WIDTH / 2) + lane + 32 * i,
                {inverse * (g[i].x - sum - normed[i].x * product), inverse * (g[i].y - sum - normed[i].y * product)});
        }
    }
    for (int i = 0; i < pairs; ++i) {
        store(partials, first * WIDTH + lane + 32 * i, ofWeight[i]);
        store(partials, first * WIDTH + WIDTH / 2 + lane + 32 * i, ofBias[i]);
    }
}
