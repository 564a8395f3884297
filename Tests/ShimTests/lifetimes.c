// The shim's own lifetimes, in plain C: what is given is released once, what fails leaves nothing behind. scripts/shim-lifetimes links this against the shim as built and runs it under valgrind, which sees reads of
// released memory and handles that nobody released.
//
// `lifetimes use-after-release` and `lifetimes leak` do these things on purpose: a check that finds nothing must be shown able to.
#include "CSelfPatchTorch.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *currentTest = "";
static int expectations = 0;

static void expect(bool holds, const char *what, int line) {
    expectations++;
    if (holds) return;
    fprintf(stderr, "lifetimes.c:%d: %s: does not hold: %s\n", line, currentTest, what);
    exit(1);
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

/// The call must succeed.
static void done(sp_error *error, int line) {
    expectations++;
    if (!error) return;
    fprintf(stderr, "lifetimes.c:%d: %s: %s\n", line, currentTest, error->message);
    exit(1);
}
#define DO(call) done((call), __LINE__)

/// The call must fail with this kind and these words, and must leave `out` as it was.
static void refused(sp_error *error, sp_error_kind kind, const char *words, int line) {
    expect(error != NULL, "the call is refused", line);
    expect(error->kind == kind, "the kind of the error", line);
    if (!strstr(error->message, words)) {
        fprintf(stderr, "lifetimes.c:%d: %s: '%s' is not in: %s\n", line, currentTest, words, error->message);
        exit(1);
    }
    expect(!strstr(error->message, "Exception raised from"), "no native backtrace", line);
    sp_error_free(error);
}
#define REFUSED(call, kind, words) refused((call), (kind), (words), __LINE__)

static const sp_device cpu = {SP_CPU, 0};
#define INTS(...) ((sp_ints){(const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)})

/// 0, 1, 2, ... in a shape.
static sp_tensor counting(sp_ints shape) {
    int64_t count = 1;
    for (size_t i = 0; i < shape.count; i++) count *= shape.values[i];
    sp_tensor row, wide, result;
    DO(sp_arange(count, SP_INT64, cpu, &row));
    DO(sp_cast(row, SP_FLOAT32, &wide));
    DO(sp_reshape(wide, shape, &result));
    sp_tensor_release(row);
    sp_tensor_release(wide);
    return result;
}

static double item(sp_tensor tensor) {
    double value = NAN;
    DO(sp_item(tensor, &value));
    return value;
}

static double sum(sp_tensor tensor) {
    sp_tensor total;
    DO(sp_reduce(SP_SUM, tensor, (sp_ints){NULL, 0}, false, &total));
    double value = item(total);
    sp_tensor_release(total);
    return value;
}

static void copiedBytesAreTheTensorsOwn(void) {
    float *numbers = malloc(6 * sizeof(float));
    for (int i = 0; i < 6; i++) numbers[i] = (float)i;
    sp_tensor tensor = NULL, untouched = NULL;
    DO(sp_from_bytes(numbers, 24, INTS(2, 3), SP_FLOAT32, &tensor));
    free(numbers);
    EXPECT(sum(tensor) == 15);
    EXPECT(sp_rank(tensor) == 2 && sp_size(tensor, 1) == 3 && sp_element_count(tensor) == 6);
    sp_tensor_release(tensor);
    float few[2] = {1, 2};
    REFUSED(sp_from_bytes(few, 8, INTS(2, 3), SP_FLOAT32, &untouched), SP_ERROR_TORCH, "8 bytes for a tensor of 24");
    EXPECT(untouched == NULL);
}

static void viewsOutliveWhatTheyLookAt(void) {
    sp_tensor base = counting(INTS(3, 4)), turned, row, wide;
    DO(sp_permute(base, INTS(1, 0), &turned));
    sp_tensor_release(base);
    DO(sp_select(turned, 0, 1, &row));
    sp_tensor_release(turned);
    DO(sp_expand(row, INTS(5, 3), &wide));
    sp_tensor_release(row);
    EXPECT(sum(wide) == 5 * (1 + 5 + 9));
    sp_tensor_release(wide);
}

static void arraysOfHandlesAreBorrowed(void) {
    sp_tensor parts[20], joined, stacked;
    for (int i = 0; i < 20; i++) parts[i] = counting(INTS(2, 2));
    DO(sp_cat(parts, 20, 0, &joined));
    DO(sp_stack(parts, 20, 1, &stacked));
    for (int i = 0; i < 20; i++) sp_tensor_release(parts[i]);
    EXPECT(sum(joined) == 120 && sum(stacked) == 120);
    EXPECT(sp_size(joined, 0) == 40 && sp_rank(stacked) == 3);
    sp_tensor_release(joined);
    sp_tensor_release(stacked);
}

static void pairsAreGivenWhole(void) {
    sp_tensor a = counting(INTS(3, 5)), values = NULL, indices = NULL;
    DO(sp_top_k(a, 2, 1, &values, &indices));
    EXPECT(sum(values) == 4 + 3 + 9 + 8 + 14 + 13 && sum(indices) == 3 * 7);
    sp_tensor_release(values);
    sp_tensor_release(indices);
    values = indices = NULL;
    REFUSED(sp_top_k(a, 9, 1, &values, &indices), SP_ERROR_TORCH, "out of range");
    EXPECT(values == NULL && indices == NULL);
    sp_tensor_release(a);
}

static void failuresLeaveNothingBehind(void) {
    sp_tensor a = counting(INTS(2, 3)), b = counting(INTS(2, 4)), out = NULL;
    for (int i = 0; i < 100; i++) REFUSED(sp_binary(SP_ADD, a, b, &out), SP_ERROR_TORCH, "must match");
    REFUSED(sp_matmul(a, b, &out), SP_ERROR_TORCH, "2x3 and 2x4");
    REFUSED(sp_reshape(a, INTS(7), &out), SP_ERROR_TORCH, "invalid for input of size 6");
    double value = 0;
    REFUSED(sp_item(a, &value), SP_ERROR_TORCH, "6 elements");
    REFUSED(sp_empty(INTS(INT64_C(1) << 46), SP_FLOAT32, cpu, &out), SP_ERROR_OUT_OF_MEMORY, "allocate");
    REFUSED(
        sp_empty(INTS(INT64_C(1) << 40, INT64_C(1) << 40), SP_FLOAT32, cpu, &out), SP_ERROR_OUT_OF_MEMORY, "overflow");
    REFUSED(sp_empty(INTS(-1), SP_FLOAT32, cpu, &out), SP_ERROR_TORCH, "negative");
    // Nothing has opened CUDA's library here, whatever the machine has.
    REFUSED(sp_empty_pinned(INTS(4), SP_UINT8, &out), SP_ERROR_TORCH, "accelerator");
    sp_upload upload = NULL;
    sp_tensor source = counting(INTS(4));
    REFUSED(sp_upload_begin(source, (sp_device){SP_CUDA, 0}, &upload), SP_ERROR_TORCH, "cuda");
    EXPECT(upload == NULL);
    sp_tensor_release(source);
    EXPECT(out == NULL);
    sp_error_free(NULL);
    sp_tensor_release(a);
    sp_tensor_release(b);
}

static void layersRun(void) {
    sp_generator generator;
    DO(sp_generator_make(7, &generator));
    sp_tensor x, w, b, y, n, g, s, q, o, one;
    DO(sp_normal(INTS(4, 8), 0, 1, generator, &x));
    DO(sp_normal(INTS(6, 8), 0, 1, generator, &w));
    DO(sp_uniform(INTS(6), -1, 1, generator, &b));
    DO(sp_full(INTS(6), 1, SP_FLOAT32, cpu, &one));
    sp_generator_release(generator);
    DO(sp_linear(x, w, b, &y));
    sp_tensor_release(x);
    sp_tensor_release(w);
    DO(sp_layer_norm(y, one, b, 1e-6, &n));
    sp_tensor_release(b);
    sp_tensor_release(one);
    DO(sp_gelu(n, &g));
    DO(sp_softmax(g, 1, &s));
    EXPECT(fabs(sum(s) - 4) < 1e-5);
    DO(sp_reshape(s, INTS(1, 4, 6), &q));
    DO(sp_self_attention(q, 2, &o));
    EXPECT(sp_element_count(o) == 8);
    sp_tensor all[] = {y, n, g, s, q, o};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sp_tensor_release(all[i]);
}

/// Windows at every border and corner, on grids that no tile fits: what is read beyond the memory valgrind sees.
static void windowsStayInside(void) {
    const int64_t grids[][3] = {{1, 1, 0}, {1, 1, 12}, {3, 5, 1}, {2, 17, 4}, {5, 33, 12}, {20, 3, 19}};
    for (size_t i = 0; i < sizeof grids / sizeof *grids; i++) {
        int64_t rows = grids[i][0], columns = grids[i][1], radius = grids[i][2];
        sp_tensor tokens = counting(INTS(rows * columns, 7)), keys[2], labels[2], found, wrong = NULL;
        for (int j = 0; j < 2; j++) {
            DO(sp_window_keys(tokens, rows, columns, radius, &keys[j]));
            DO(sp_full(INTS(rows * columns, 3), 0.5, SP_FLOAT32, cpu, &labels[j]));
        }
        DO(sp_propagate_labels(tokens, keys, labels, 2, rows, columns, radius, 5, 0.1, &found));
        EXPECT(fabs(sum(found) - 1.5 * (double)(rows * columns)) < 1e-3);
        REFUSED(
            sp_propagate_labels(tokens, labels, keys, 2, rows, columns, radius, 5, 0.1, &wrong), SP_ERROR_TORCH, "keys");
        REFUSED(sp_window_keys(tokens, rows + 1, columns, radius, &wrong), SP_ERROR_TORCH, "tokens");
        EXPECT(wrong == NULL);
        sp_tensor all[] = {tokens, keys[0], keys[1], labels[0], labels[1], found};
        for (size_t j = 0; j < sizeof all / sizeof *all; j++) sp_tensor_release(all[j]);
    }
}

/// Regions within maps, beyond them and around them, read and written back: one channel, and as many as lie side by side.
static void regionsStayInside(void) {
    const int64_t maps[][3] = {{1, 1, 1}, {3, 5, 4}, {16, 7, 9}, {37, 2, 33}};
    float numbers[] = {0, 0, 0, 8, 8, 1, -20, -20, 90, 90, 0, 3, 3, 3, 3, 1, 9, 9, 1, 1, 0, 1e9f, 0, 2e9f, 4, 1, -1, -1, 33, 2};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        sp_tensor map = counting(INTS(2, maps[i][0], maps[i][1], maps[i][2])), regions, pooled, total, gradient, wrong = NULL;
        DO(sp_from_bytes(numbers, sizeof numbers, INTS(6, 5), SP_FLOAT32, &regions));
        sp_set_requires_gradient(map, true);
        for (int samples = 0; samples < 3; samples++) {
            DO(sp_aligned_regions(map, regions, 5, 0.5, samples, &pooled));
            EXPECT(sp_element_count(pooled) == 6 * maps[i][0] * 25);
            DO(sp_reduce(SP_SUM, pooled, (sp_ints){NULL, 0}, false, &total));
            sp_tensor_release(pooled);
            DO(sp_backward(&total, NULL, 1));    // the regions are kept, not what was made of them
            sp_tensor_release(total);
        }
        DO(sp_gradient(map, &gradient));
        EXPECT(sum(gradient) > 0);
        REFUSED(sp_aligned_regions(map, map, 5, 0.5, 0, &wrong), SP_ERROR_TORCH, "instead of [regions, 5]");
        EXPECT(wrong == NULL);
        sp_tensor all[] = {map, regions, gradient};
        for (size_t j = 0; j < sizeof all / sizeof *all; j++) sp_tensor_release(all[j]);
    }
}

static void suppressionBorrowsItsBoxes(void) {
    sp_tensor boxes = counting(INTS(40, 4)), scores = counting(INTS(40)), groups, kept, none = NULL;
    DO(sp_cast(scores, SP_INT64, &groups));
    DO(sp_suppression(boxes, scores, groups, 0.5, &kept));
    EXPECT(sp_element_count(kept) == 40);
    sp_tensor_release(kept);
    DO(sp_suppression(boxes, scores, NULL, 0.5, &kept));
    EXPECT(sp_element_count(kept) == 40);
    REFUSED(sp_suppression(boxes, boxes, NULL, 0.5, &none), SP_ERROR_TORCH, "scores of");
    EXPECT(none == NULL);
    sp_tensor all[] = {boxes, scores, groups, kept};
    for (size_t j = 0; j < sizeof all / sizeof *all; j++) sp_tensor_release(all[j]);
}

static void lossesOfEachAreGiven(void) {
    sp_tensor a = counting(INTS(3, 4)), binary;
    DO(sp_binary_cross_entropies(a, a, &binary));
    EXPECT(sp_element_count(binary) == 12);
    sp_tensor_release(a);
    sp_tensor_release(binary);
}

static void gradientsOutliveTheirGraph(void) {
    sp_tensor leaf = counting(INTS(3)), squared, loss, gradient = NULL, none = NULL;
    sp_set_requires_gradient(leaf, true);
    DO(sp_gradient(leaf, &none));
    EXPECT(none == NULL);
    DO(sp_unary(SP_SQUARE, leaf, &squared));
    DO(sp_reduce(SP_SUM, squared, (sp_ints){NULL, 0}, false, &loss));
    sp_tensor_release(squared);    // the graph holds what it needs
    DO(sp_backward(&loss, NULL, 1));
    REFUSED(sp_backward(&loss, NULL, 1), SP_ERROR_TORCH, "second time");
    sp_tensor_release(loss);
    DO(sp_gradient(leaf, &gradient));
    sp_tensor_release(leaf);
    EXPECT(sum(gradient) == 6);
    sp_tensor_release(gradient);
}

static void givenGradientsArriveAtTheirInputs(void) {
    sp_tensor inputs[2], gradients[2], value, loss, arrived;
    for (int i = 0; i < 2; i++) {
        inputs[i] = counting(INTS(2));
        sp_set_requires_gradient(inputs[i], true);
        DO(sp_full(INTS(2), i + 1, SP_FLOAT32, cpu, &gradients[i]));
    }
    DO(sp_full((sp_ints){NULL, 0}, 5, SP_FLOAT32, cpu, &value));
    DO(sp_with_gradients(value, inputs, gradients, 2, &loss));
    sp_tensor_release(value);
    for (int i = 0; i < 2; i++) sp_tensor_release(gradients[i]);
    DO(sp_backward(&loss, NULL, 1));
    sp_tensor_release(loss);
    for (int i = 0; i < 2; i++) {
        DO(sp_gradient(inputs[i], &arrived));
        EXPECT(sum(arrived) == 2 * (i + 1));
        sp_tensor_release(arrived);
        sp_tensor_release(inputs[i]);
    }
}

static void optimizersWorkInPlace(void) {
    sp_tensor w[3], g[3], first[3], second[3], steps[3], norms;
    for (int i = 0; i < 3; i++) {
        w[i] = counting(INTS(4));
        g[i] = counting(INTS(4));
        DO(sp_full(INTS(4), 0, SP_FLOAT32, cpu, &first[i]));
        DO(sp_full(INTS(4), 0, SP_FLOAT32, cpu, &second[i]));
        DO(sp_full((sp_ints){NULL, 0}, 1, SP_FLOAT32, cpu, &steps[i]));
    }
    DO(sp_adamw(w, g, first, second, steps, 3, 0.1, 0.9, 0.999, 0, 1e-8));
    EXPECT(fabs(sum(w[0]) - (6 - 3 * 0.1)) < 1e-5);
    DO(sp_lerp_all(w, g, 3, 1));
    EXPECT(fabs(sum(w[2]) - 6) < 1e-5);
    DO(sp_norms(g, 3, &norms));
    EXPECT(fabs(sum(norms) - 3 * sqrt(14)) < 1e-4);
    DO(sp_scale_all(g, (double[]){1, 2, 3}, 3));
    EXPECT(sum(g[0]) == 6 && sum(g[1]) == 12 && sum(g[2]) == 18);
    for (int i = 0; i < 3; i++) {
        sp_tensor all[] = {w[i], g[i], first[i], second[i], steps[i]};
        for (int j = 0; j < 5; j++) sp_tensor_release(all[j]);
    }
    sp_tensor_release(norms);
}

static void *releaseAll(void *context) {
    sp_tensor *tensors = context;
    for (int i = 0; i < 50; i++) sp_tensor_release(tensors[i]);
    return NULL;
}

static void anyThreadMayRelease(void) {
    sp_tensor tensors[100];
    for (int i = 0; i < 100; i++) tensors[i] = counting(INTS(3));
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, releaseAll, tensors + 50 * i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void run(void (*test)(void), const char *name) {
    currentTest = name;
    int64_t before = sp_tensor_live_count();
    test();
    EXPECT(sp_tensor_live_count() == before);
}
#define RUN(test) run(test, #test)

int main(int count, char **arguments) {
    sp_initialize();
    sp_set_thread_count(1);
    const char *mistake = count > 1 ? arguments[1] : "";
    if (!strcmp(mistake, "use-after-release")) {
        sp_tensor tensor = counting(INTS(3));
        sp_tensor_release(tensor);
        return (int)sp_element_count(tensor) * 0;
    }
    if (!strcmp(mistake, "leak")) {
        counting(INTS(3));
        return 0;
    }
    RUN(copiedBytesAreTheTensorsOwn);
    RUN(viewsOutliveWhatTheyLookAt);
    RUN(arraysOfHandlesAreBorrowed);
    RUN(pairsAreGivenWhole);
    RUN(failuresLeaveNothingBehind);
    RUN(layersRun);
    RUN(windowsStayInside);
    RUN(regionsStayInside);
    RUN(suppressionBorrowsItsBoxes);
    RUN(lossesOfEachAreGiven);
    RUN(gradientsOutliveTheirGraph);
    RUN(givenGradientsArriveAtTheirInputs);
    RUN(optimizersWorkInPlace);
    RUN(anyThreadMayRelease);
    printf("shim lifetimes: %d expectations hold, %lld tensors alive\n", expectations, (long long)sp_tensor_live_count());
    return 0;
}
