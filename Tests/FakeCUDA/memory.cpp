#include "fake.hpp"

#include <c10/core/CachingDeviceAllocator.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

namespace fake {

namespace {

std::atomic<int64_t> live{0}, peak{0};
std::atomic<bool> started{false};

void took(int64_t bytes) {
    int64_t now = live.fetch_add(bytes) + bytes, before = peak.load();
    while (before < now && !peak.compare_exchange_weak(before, now)) {}
}

/// Memory of a tensor of the device, whoever made it.
struct Block {
    at::Tensor made;
    void *taken = nullptr;
    int64_t bytes = 0;
    /// Where it was asked for: what that stream is given next may be the same memory.
    c10::StreamId owner = currentStream();
    std::mutex lock;
    /// When each other stream was last at it, and those for which the allocator waits.
    std::map<c10::StreamId, uint64_t> uses;
    std::set<c10::StreamId> recorded;

    void use() {
        if (currentStream() == owner) return;
        std::lock_guard guard(lock);
        uses[currentStream()] = now();
    }

    void record(c10::StreamId stream) {
        std::lock_guard guard(lock);
        recorded.insert(stream);
    }

    ~Block() {
        for (auto [stream, moment] : uses) {
            if (recorded.count(stream) || isDone(stream, moment)) continue;
            fprintf(
                stderr, "The fake GPU: %lld bytes of stream %lld were given back while stream %lld may still be at them, which "
                        "nobody told the allocator (record_stream).\n",
                static_cast<long long>(bytes), static_cast<long long>(owner), static_cast<long long>(stream));
            abort();
        }
        live.fetch_sub(bytes);
        free(taken);
    }
};

void release(void *block) { delete static_cast<Block *>(block); }

/// Null for memory of the host.
Block *blockIn(const c10::DataPtr &memory) {
    return memory.get_deleter() == &release ? static_cast<Block *>(memory.get_context()) : nullptr;
}

c10::DataPtr blockOf(size_t bytes) {
    auto *block = new Block;
    block->bytes = static_cast<int64_t>(bytes);
    if (bytes) {
        block->taken = aligned_alloc(64, (bytes + 63) / 64 * 64);
        TORCH_CHECK(block->taken, "CUDA out of memory");
        memset(block->taken, 0xFF, bytes); // what is read before it is written is no number
    }
    took(block->bytes);
    return {block->taken, block, &release, place()};
}

struct DeviceMemory final : c10::DeviceAllocator {
    c10::DataPtr allocate(size_t bytes) override { return blockOf(bytes); }
    c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
    void copy_data(void *to, const void *from, size_t bytes) const override { memcpy(to, from, bytes); }
    bool initialized() override { return true; }
    void emptyCache(c10::MempoolId_t) override {}
    void recordStream(const c10::DataPtr &memory, c10::Stream stream) override { fake::recordStream(memory, stream.id()); }
    c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
        TORCH_CHECK(started, "Invalid device argument 0: did you call init?");
        c10::CachingDeviceAllocator::DeviceStats statistics;
        statistics.allocated_bytes[0].current = live;
        statistics.allocated_bytes[0].peak = peak;
        return statistics;
    }
    void resetAccumulatedStats(c10::DeviceIndex) override {}
    void resetPeakStats(c10::DeviceIndex) override { peak = live.load(); }
    std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex) override {
        const size_t total = size_t(16) << 30;
        return {total - static_cast<size_t>(live.load()), total};
    }
};

std::mutex pinnedLock;
std::map<const char *, size_t> pinned;

struct PinnedMemory final : c10::Allocator {
    c10::DataPtr allocate(size_t bytes) override {
        auto *memory = static_cast<char *>(aligned_alloc(64, (bytes + 64) / 64 * 64));
        TORCH_CHECK(memory, "no memory that could be pinned");
        std::lock_guard guard(pinnedLock);
        pinned[memory] = bytes;
        return {memory, memory, &give, c10::Device(c10::kCPU)};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &give; }
    void copy_data(void *to, const void *from, size_t bytes) const override { memcpy(to, from, bytes); }

    static void give(void *memory) {
        std::lock_guard guard(pinnedLock);
        pinned.erase(static_cast<char *>(memory));
        free(memory);
    }
};

at::Tensor labelled(
    c10::Storage storage, c10::DispatchKey key, const at::Tensor &like) {
    auto tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), like.dtype());
    tensor.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
    return tensor;
}

} // namespace

void start() { started = true; }

int64_t peakBytes() { return peak; }

bool isPinned(const void *address) {
    auto *byte = static_cast<const char *>(address);
    std::lock_guard guard(pinnedLock);
    auto after = pinned.upper_bound(byte);
    if (after == pinned.begin()) return false;
    auto found = std::prev(after);
    return byte < found->first + std::max<size_t>(found->second, 1);
}

c10::Allocator *pinnedMemory() {
    static PinnedMemory allocator;
    return &allocator;
}

c10::Allocator *deviceMemory() {
    static DeviceMemory *allocator = new DeviceMemory; // tensors of static life outlive every other static
    return allocator;
}

void recordStream(const c10::DataPtr &memory, c10::StreamId stream) {
    if (auto *block = blockIn(memory)) block->record(stream);
}

at::Tensor onHost(const at::Tensor &tensor) {
    if (auto *block = blockIn(tensor.storage().data_ptr())) block->use();
    auto *kept = new c10::Storage(tensor.storage());
    c10::DataPtr memory(
        kept->mutable_data(), kept, [](void *storage) { delete static_cast<c10::Storage *>(storage); }, c10::Device(c10::kCPU));
    c10::Storage storage(
        c10::Storage::use_byte_size_t{}, kept->nbytes(), std::move(memory), c10::GetAllocator(c10::kCPU), /*resizable=*/true);
    return labelled(std::move(storage), c10::DispatchKey::CPU, tensor);
}

at::Tensor onDevice(const at::Tensor &host) {
    auto *block = new Block;
    block->made = host;
    block->bytes = static_cast<int64_t>(host.storage().nbytes());
    took(block->bytes);
    c10::DataPtr memory(host.storage().mutable_data(), block, &release, place());
    c10::Storage storage(
        c10::Storage::use_byte_size_t{}, host.storage().nbytes(), std::move(memory), deviceMemory(), /*resizable=*/true);
    return labelled(std::move(storage), c10::DispatchKey::CUDA, host);
}

static const bool registered = [] {
    c10::SetAllocator(c10::kCUDA, deviceMemory());
    return true;
}();

} // namespace fake
