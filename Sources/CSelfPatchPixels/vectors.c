#include "vectors.h"

#include <stdatomic.h>

static atomic_int limit = 512;

static int offered(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl")) {
        return 512;
    }
    if (__builtin_cpu_supports("avx2")) { return 256; }
#endif
    return 128;
}

int px_vector_bits(void) {
    static atomic_int known = 0;
    int bits = atomic_load_explicit(&known, memory_order_relaxed);
    if (bits == 0) {
        bits = offered();
        atomic_store_explicit(&known, bits, memory_order_relaxed);
    }
    int most = atomic_load_explicit(&limit, memory_order_relaxed);
    return bits < most ? bits : most;
}

void px_limit_vector_bits(int bits) {
    atomic_store_explicit(&limit, bits, memory_order_relaxed);
}
