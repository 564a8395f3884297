// What neighbors.cpp does on the CPU: patches and their candidates without a gathered copy, one warp a patch, or a head of one.

// Cosines out [images, patches, count] of tokens [images, patches, width] with their candidates, table [count, patches].
KERNEL neighbor_similarities(
    const float *tokens, const long long *table, float *out, long long rows, int patches, int width, int count) {
    int lane = threadIdx.x % 32;
    long long row = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    long long image = row / patches, patch = row % patches;
    const float *own = tokens + row * width;
    float square = 0;
    for (int i = lane; i < width; i += 32) square += own[i] * own[i];
    float length = fmaxf(sqrtf(ofWarp(square, Sum())), 1e-12f);
    for (int c = 0; c < count; ++c) {
        const float *other = tokens + (image * patches + table[c * patches + patch]) * width;
        float product = 0, otherSquare = 0;
        for (int i = lane; i < width; i += 32) {
            product += own[i] * other[i];
            otherSquare += other[i] * other[i];
        }
        product = ofWarp(product, Sum());
        // Both patches see the same number: sums and products are the same whoever asks.
        float cosine = product / (length * fmaxf(sqrtf(ofWarp(otherSquare, Sum())), 1e-12f));
        if (lane == 0) out[row * count + c] = cosine;
    }
}

// Attention of each patch's class token, or of one for all, to itself and to the patch's candidates that are not excluded. All rows are
// heads of `part` numbers, an even number up to 256; `askers` is 1 where one asks for all, `judges` where what is excluded is so for all.
KERNEL neighbor_attention(
    const ELEMENT *query, const ELEMENT *keys, const ELEMENT *values, const float *ownLogits, const ELEMENT *ownValues,
    const long long *table, const bool *excluded, ELEMENT *out, long long rows, int patches, int heads, int part, int count, int askers,
    int judges) {
    int lane = threadIdx.x % 32, pairs = part / 2;
    long long row = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
    if (row >= rows) return;
    long long head = row % heads, patch = row / heads % patches, image = row / heads / patches;
    long long asker = askers == 1 ? head : row, judge = (judges == 1 ? 0 : image) * patches + patch;
    // Weights relative to the largest so far.
    float top = ownLogits[asker], sum = 1;
    Pair found[4];
    for (int n = 0; n < 4; ++n) {
        if (lane + 32 * n < pairs) found[n] = load(ownValues, asker * pairs + lane + 32 * n);
    }
    for (int c = 0; c < count; ++c) {
        if (excluded && excluded[judge * count + c]) continue;
        long long other = ((image * patches + table[c * patches + patch]) * heads + head) * pairs;
        float product = 0;
        for (int i = lane; i < pairs; i += 32) {
            Pair q = load(query, asker * pairs + i), k = load(keys, other + i);
            product += q.x * k.x + q.y * k.y;
        }
        product = ofWarp(product, Sum());
        float higher = fmaxf(top, product), kept = expf(top - higher), weight = expf(product - higher);
        for (int n = 0; n < 4; ++n) {
            if (lane + 32 * n >= pairs) continue;
            Pair v = load(values, other + lane + 32 * n);
            found[n] = {found[n].x * kept + v.x * weight, found[n].y * kept + v.y * weight};
        }
        sum = sum * kept + weight;
        top = higher;
    }
    for (int n = 0; n < 4; ++n) {
        if (lane + 32 * n < pairs) store(out, row * pairs + lane + 32 * n, {found[n].x / sum, found[n].y / sum});
    }
}
