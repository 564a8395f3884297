// One body, three vector widths: a kernel is written once as an inline function in plain C (or with the compiler's
// portable vectors) and compiled for each width; the processor decides at run time which one is called.
#pragma once
#include "kernels.h"

#define PX_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)

#define PX_TARGET_256 __attribute__((target("avx2")))
#define PX_TARGET_512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"), min_vector_width(512)))

/// Defines `static void name parameters` from the inline function `name_body`, once for each width.
#define PX_EACH_WIDTH(name, parameters, arguments)                                     \
    static void name##_128 parameters { name##_body arguments; }                       \
    PX_TARGET_256 static void name##_256 parameters { name##_body arguments; }         \
    PX_TARGET_512 static void name##_512 parameters { name##_body arguments; }         \
    static void name parameters {                                                      \
        switch (px_vector_bits()) {                                                    \
            case 512: name##_512 arguments; break;                                     \
            case 256: name##_256 arguments; break;                                     \
            default: name##_128 arguments;                                             \
        }                                                                              \
    }

#else

#define PX_EACH_WIDTH(name, parameters, arguments) \
    static void name parameters { name##_body arguments; }

#endif

/// 16 and 32 bytes wherever they lie in memory.
typedef uint8_t px_bytes16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint8_t px_bytes32 __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint16_t px_words32 __attribute__((vector_size(64)));
typedef uint32_t px_longs32 __attribute__((vector_size(128)));
typedef int32_t px_sums32 __attribute__((vector_size(128)));

PX_INLINE size_t px_rounded_up(size_t count, size_t multiple) {
    return (count + multiple - 1) / multiple * multiple;
}
