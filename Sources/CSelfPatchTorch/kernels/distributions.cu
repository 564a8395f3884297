// What distributions.cpp does on the CPU, one block a row; rows are of an even number of elements.

// out = softmax((logits - center) * inverse) of each row.
KERNEL centered_softmax(const ELEMENT *logits, const float *center, float *out, int count, float inverse) {
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
KERNEL cross_entropy_into_gradient(
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
    if (threadIdx.x == 0) {
        // lse(s) = top * inverse + log(sum); what is common to both terms would cancel but for the targets' rounding.
        double common = static_cast<double>(top) * inverse;
        losses[blockIdx.x] = weight * (mass * (common + log(static_cast<double>(sum))) - (product + common * total));
    }
}
