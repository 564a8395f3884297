// Memory for large tensors on the CPU that stays with the process. A system's allocator returns large blocks to the kernel, which
// zeroes them page by page when they come back: four to five times the cost of an element-wise operation. Kept in the heap they
// lie scattered between small blocks, and more memory is taken. Here they have a place of their own: blocks are cut from the
// smallest gap that holds them, the lowest first, and join their neighbours when they are given back.
#include "guard.hpp"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <sys/mman.h>

using namespace selfpatch;

namespace {

/// Blocks from here on live in the arena; smaller ones are the system's, which is good at them.
constexpr size_t largeBytes = 1 << 20;
/// Blocks are whole multiples of this.
constexpr size_t grainBytes = 64 << 10;
/// What the system is asked for at a time, at least. Pages that were never used cost nothing.
constexpr size_t segmentBytes = size_t(1) << 30;
/// Before each block: its size, 0 for the system's. The rest keeps tensors at multiples of a cache line.
constexpr size_t headerBytes = 64;

class Arena {
  public:
    /// A block of `bytes`, a multiple of the grain; null where the system has no more.
    char *take(size_t bytes) {
        std::lock_guard<std::mutex> guard(lock);
        auto gap = bySize.lower_bound({bytes, nullptr});
        if (gap == bySize.end()) {
            if (!grow(bytes)) return nullptr;
            gap = bySize.lower_bound({bytes, nullptr});
        }
        auto [size, place] = *gap;
        remove(place, size);
        if (size > bytes) add(place + bytes, size - bytes);
        used += bytes;
        peak = std::max(peak, used);
        return place;
    }

    void give(char *place, size_t bytes) {
        std::lock_guard<std::mutex> guard(lock);
        used -= bytes;
        auto next = byPlace.lower_bound(place);
        if (next != byPlace.end() && next->first == place + bytes) {
            size_t size = next->second;
            remove(place + bytes, size);
            bytes += size;
        }
        next = byPlace.lower_bound(place);
        if (next != byPlace.begin()) {
            auto [start, size] = *std::prev(next);
            if (start + size == place) {
                remove(start, size);
                place = start;
                bytes += size;
            }
        }
        add(place, bytes);
    }

    size_t peakBytes() {
        std::lock_guard<std::mutex> guard(lock);
        return peak;
    }

  private:
    std::mutex lock;
    /// Gaps: where, and how many bytes.
    std::map<char *, size_t> byPlace;
    std::set<std::pair<size_t, char *>> bySize;
    size_t used = 0;
    size_t peak = 0;

    void add(char *place, size_t bytes) {
        byPlace.emplace(place, bytes);
        bySize.emplace(bytes, place);
    }

    void remove(char *place, size_t bytes) {
        byPlace.erase(place);
        bySize.erase({bytes, place});
    }

    bool grow(size_t bytes) {
        // Where the system promises no more than it has, a whole segment may be too much.
        for (size_t size : {std::max(bytes, segmentBytes), bytes}) {
            void *place = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (place != MAP_FAILED) {
                add(static_cast<char *>(place), size);
                return true;
            }
        }
        return false;
    }
};

/// Never ended: tensors may outlive everything else.
Arena &arena() {
    static auto *arena = new Arena;
    return *arena;
}

void release(void *pointer) {
    if (!pointer) return;
    char *block = static_cast<char *>(pointer) - headerBytes;
    size_t bytes;
    std::memcpy(&bytes, block, sizeof bytes);
    if (bytes == 0) {
        std::free(block);
    } else {
        arena().give(block, bytes);
    }
}

struct ArenaAllocator final : c10::Allocator {
    c10::DataPtr allocate(size_t count) override {
        if (count == 0) return {nullptr, nullptr, &release, c10::Device(c10::kCPU)};
        TORCH_CHECK_WITH(OutOfMemoryError, count < PTRDIFF_MAX - segmentBytes, "a tensor of ", count, " bytes");
        size_t whole = count + headerBytes;
        void *block = nullptr;
        size_t bytes = 0;
        if (whole >= largeBytes) {
            bytes = (whole + grainBytes - 1) / grainBytes * grainBytes;
            block = arena().take(bytes);
        } else if (posix_memalign(&block, headerBytes, whole) != 0) {
            block = nullptr;
        }
        TORCH_CHECK_WITH(OutOfMemoryError, block, "the system has no ", count, " bytes more for a tensor");
        std::memcpy(block, &bytes, sizeof bytes);
        void *pointer = static_cast<char *>(block) + headerBytes;
        return {pointer, pointer, &release, c10::Device(c10::kCPU)};
    }

    // oneDNN asks for bare pointers.
    c10::DeleterFnPtr raw_deleter() const override { return &release; }

    void copy_data(void *to, const void *from, std::size_t count) const override { default_copy_data(to, from, count); }
};

} // namespace

void sp_keep_memory(void) {
    static ArenaAllocator allocator;
    c10::SetCPUAllocator(&allocator, 1);
}

int64_t sp_peak_tensor_bytes(void) { return static_cast<int64_t>(arena().peakBytes()); }
