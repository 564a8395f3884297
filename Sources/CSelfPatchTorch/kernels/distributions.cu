// What distributions.cpp does on the CPU, one block a row; rows are of an even number of elements. A row that fits is held in the
// registers of its block's threads, so that all its loads are under way at once and it is read but once; a long one is read again.

constexpr int held = 8; // pairs of a thread

// weight * (mass lse(s) - q s), s = y * inverse, of what a row's threads found together.
static __device__ inline double lossOfRow(
    float top, float inverse, float sum, float product, float total, float mass, float weight) {
    // lse(s) = top * inverse + log(sum); what is common to both terms would cancel but for the targets' rounding.
    double common = static_cast<double>(top) * inverse;
    return weight * (mass * (common + log(static_cast<double>(sum))) - (product + common * total));
}

// out = softmax((logits - center) * inverse) of each row.
KERNEL centered_softmax_of_long_rows(const ELEMENT *logits, const float *center, float *out, int count, float inverse) {
    long long start = static_cast<long long>(blockIdx.x) * (count / 2);
    float top = __int_as_float(0xff800000);
    for (int i = threadIdx.x; i < count / 2; i += blockDim.x) {
        Pair x = load(logits, start + i), c = load(center, i);
        top = fmaxf(top, fmaxf(x.x - c.x, x.y - c.y));
    }
    top = ofBlock(top, Largest());
    float sum = 0;
    for (int i = threadIdx.x; i < count / 2; i += blockDim.x) {
        Pair x = load(logits, start + i), c = load(center, i);
        sum += expf((x.x - c.x - top) * inverse) + expf((x.y - c.y - top) * inverse);
    }
    float scale = 1 / ofBlock(sum, Sum());
    for (int i = threadIdx.x; i < count / 2; i += blockDim.x) {
        Pair x = load(logits, start + i), c = load(center, i);
        store(out, start + i, {expf((x.x - c.x - top) * inverse) * scale, expf((x.y - c.y - top) * inverse) * scale});
    }
}

// Products with prototypes become the gradient of weight (mass lse(s) - q s), s = products * inverse; losses: that number of each row.
// Row r meets target r modulo the period.
KERNEL cross_entropy_into_gradient_of_long_rows(
    ELEMENT *products, const float *targets, double *losses, int count, int period, float inverse, float mass, float weight) {
    long long start = static_cast<long long>(blockIdx.x) * (count / 2);
    long long target = static_cast<long long>(blockIdx.x % period) * (count / 2);
    float top = __int_as_float(0xff800000);
    for (int i = threadIdx.x; i < count / 2; i += blockDim.x) {
        Pair y = load(products, start + i);
        top = fmaxf(top, fmaxf(y.x, y.y));
    }
    top = ofBlock(top, Largest());
    float sum = 0, product = 0, total = 0;
    for (int i = threadIdx.x; i < count / 2; i += blockDim.x) {
        Pair y = load(products, start + i), q = load(targets, target + i);
        float a = (y.x - top) * inverse, b = (y.y - top) * inverse;
        product += q.x * a + q.y * b;
        total += q.x + q.y;
        sum += expf(a) + expf(b);
    }
    sum = ofBlock(sum, Sum());
    product = ofBlock(product, Sum());
    total = ofBlock(total, Sum());
    float share = mass / sum, scale = weight * inverse;
    for (int i = threadIdx.x; i < count / 2; i += blockDim.x) {
        Pair y = load(products, start + i), q = load(targets, target + i);
        store(
            products, start + i,
            {(share * expf((y.x - top) * inverse) - q.x) * scale, (share * expf((y.y - top) * inverse) - q.y) * scale});
    }
    if (threadIdx.x == 0) losses[blockIdx.x] = lossOfRow(top, inverse, sum, product, total, mass, weight);
}

// The same of rows of at most 2 * held * blockDim.x elements.
KERNEL centered_softmax(const ELEMENT *logits, const float *center, float *out, int count, float inverse) {
    long long start = static_cast<long long>(blockIdx.x) * (count / 2);
    float top = __int_as_float(0xff800000);
    Pair x[held];
#pragma unroll
    for (int n = 0; n < held; ++n) {
        int i = threadIdx.x + n * blockDim.x;
        x[n] = {top, top};
        if (i >= count / 2) continue;
        Pair y = load(logits, start + i), c = load(center, i);
        x[n] = {y.x - c.x, y.y - c.y};
    }
#pragma unroll
    for (int n = 0; n < held; ++n) top = fmaxf(top, fmaxf(x[n].x, x[n].y));
    top = ofBlock(top, Largest());
    float sum = 0;
#pragma unroll
    for (int n = 0; n < held; ++n) {
        x[n] = {expf((x[n].x - top) * inverse), expf((x[n].y - top) * inverse)};
        sum += x[n].x + x[n].y;
    }
    float scale = 1 / ofBlock(sum, Sum());
#pragma unroll
    for (int n = 0; n < held; ++n) {
        int i = threadIdx.x + n * blockDim.x;
        if (i < count / 2) store(out, start + i, {x[n].x * scale, x[n].y * scale});
    }
}

KERNEL cross_entropy_into_gradient(
    ELEMENT *products, const float *targets, double *losses, int count, int period, float inverse, float mass, float weight) {
    long long start = static_cast<long long>(blockIdx.x) * (count / 2);
    long long target = static_cast<long long>(blockIdx.x % period) * (count / 2);
    float top = __int_as_float(0xff800000);
    Pair y[held], q[held];
#pragma unroll
    for (int n = 0; n < held; ++n) {
        int i = threadIdx.x + n * blockDim.x;
        y[n] = {top, top};
        q[n] = {0, 0};
        if (i >= count / 2) continue;
        y[n] = load(products, start + i);
        q[n] = load(targets, target + i);
    }
#pragma unroll
    for (int n = 0; n < held; ++n) top = fmaxf(top, fmaxf(y[n].x, y[n].y));
    top = ofBlock(top, Largest());
    float sum = 0, product = 0, total = 0;
#pragma unroll
    for (int n = 0; n < held; ++n) {
        if (static_cast<int>(threadIdx.x + n * blockDim.x) >= count / 2) continue;
        float a = (y[n].x - top) * inverse, b = (y[n].y - top) * inverse;
        product += q[n].x * a + q[n].y * b;
        total += q[n].x + q[n].y;
        y[n] = {expf(a), expf(b)};
        sum += y[n].x + y[n].y;
    }
    sum = ofBlock(sum, Sum());
    product = ofBlock(product, Sum());
    total = ofBlock(total, Sum());
    float share = mass / sum, scale = weight * inverse;
#pragma unroll
    for (int n = 0; n < held; ++n) {
        int i = threadIdx.x + n * blockDim.x;
        if (i < count / 2) store(products, start + i, {(share * y[n].x - q[n].x) * scale, (share * y[n].y - q[n].y) * scale});
    }
    if (threadIdx.x == 0) losses[blockIdx.x] = lossOfRow(top, inverse, sum, product, total, mass, weight);
}
