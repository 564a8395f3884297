// Loops over rows on libtorch's own team of threads.
//
// at::parallel_for is a template that needs -fopenmp where it is compiled and runs on one thread without it, silently; Swift's
// clang has no OpenMP, so the team is called by its own name.
#pragma once
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

#if defined(__linux__)
extern "C" void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
extern "C" int omp_get_thread_num(void);
extern "C" int omp_get_num_threads(void);
#endif

namespace selfpatch {

/// Calls body(begin, end) on equal runs of 0 ..< count, one for each thread; the same runs for the same number of threads.
template <typename Body> void parallelRows(int64_t count, Body body) {
#if defined(__linux__)
    int threads = static_cast<int>(std::min<int64_t>(at::get_num_threads(), count));
    if (threads > 1 && !at::in_parallel_region()) {
        struct Work {
            Body *body;
            int64_t count;
        } work{&body, count};
        auto run = [](void *data) {
            auto *work = static_cast<Work *>(data);
            int64_t team = omp_get_num_threads(), member = omp_get_thread_num();
            int64_t begin = work->count * member / team, end = work->count * (member + 1) / team;
            if (begin < end) (*work->body)(begin, end);
        };
        GOMP_parallel(run, &work, static_cast<unsigned>(threads), 0);
        return;
    }
#endif
    if (count > 0) body(0, count);
}

} // namespace selfpatch

/// Compiles a function for several vector widths and picks one where the program runs; not under the thread sanitizer, which is
/// not yet there when the loader picks.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer)
#define SP_EVERY_WIDTH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SP_EVERY_WIDTH
#endif
