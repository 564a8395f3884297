// Streams and events. The first stream does all at once; any other one leaves its work until somebody waits, as late as a GPU may.
#include "fake.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

namespace fake {

namespace {

thread_local c10::StreamId current = 0;
std::atomic<c10::StreamId> streams{0};
std::atomic<uint64_t> clock{0};
std::recursive_mutex lock;
std::map<c10::StreamId, std::deque<std::function<void()>>> waiting;
std::map<c10::StreamId, uint64_t> finished; // when each was last waited for
uint64_t allFinished = 0;

void finish(c10::StreamId stream) {
    std::lock_guard guard(lock);
    auto &queue = waiting[stream];
    auto own = std::exchange(current, stream);
    while (!queue.empty()) {
        queue.front()();
        queue.pop_front();
    }
    current = own;
    finished[stream] = now();
}

c10::Stream stream(c10::StreamId id) { return c10::Stream(c10::Stream::UNSAFE, place(), id); }

/// Only this device is there.
void check(c10::Device device) {
    TORCH_CHECK(device.index() <= only, "invalid device ordinal ", device);
}

struct Guard final : c10::impl::DeviceGuardImplInterface {
    c10::DeviceType type() const override { return c10::kCUDA; }
    c10::Device exchangeDevice(c10::Device device) const override {
        check(device);
        return place();
    }
    c10::Device getDevice() const override { return place(); }
    void setDevice(c10::Device device) const override { check(device); }
    void uncheckedSetDevice(c10::Device) const noexcept override {}
    c10::DeviceIndex deviceCount() const noexcept override { return 1; }

    c10::Stream getStream(c10::Device) const override { return stream(current); }
    c10::Stream getDefaultStream(c10::Device) const override { return stream(0); }
    c10::Stream getNewStream(c10::Device, int) const override { return stream(++streams); }
    c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return stream(++streams); }
    void *getStreamNativeHandle(const c10::Stream stream) const override { return streamHandle(stream.id()); }
    c10::Stream exchangeStream(c10::Stream other) const override {
        auto former = current;
        current = other.id();
        return stream(former);
    }
    bool queryStream(const c10::Stream &stream) const override {
        std::lock_guard guard(lock);
        return waiting[stream.id()].empty();
    }
    void synchronizeStream(const c10::Stream &stream) const override {
        countWait("stream");
        finish(stream.id());
    }
    void synchronizeDevice(c10::DeviceIndex) const override {
        countWait("device");
        finishAll();
    }

    // An event is the stream on which it was recorded: what that stream did after it is done too early, and no harm.
    void record(void **event, const c10::Stream &stream, c10::DeviceIndex, c10::EventFlag) const override {
        if (!*event) *event = new c10::StreamId;
        *static_cast<c10::StreamId *>(*event) = stream.id();
    }
    void block(void *event, const c10::Stream &) const override { finish(*static_cast<c10::StreamId *>(event)); }
    bool queryEvent(void *event) const override { return queryStream(stream(*static_cast<c10::StreamId *>(event))); }
    void synchronizeEvent(void *event) const override {
        if (!queryEvent(event)) countWait("event");
        finish(*static_cast<c10::StreamId *>(event));
    }
    void destroyEvent(void *event, c10::DeviceIndex) const noexcept override { delete static_cast<c10::StreamId *>(event); }
};

C10_REGISTER_GUARD_IMPL(CUDA, Guard)

} // namespace

c10::StreamId currentStream() { return current; }

void *streamHandle(c10::StreamId stream) { return reinterpret_cast<void *>(stream); }

bool isAside() { return current != 0; }

uint64_t now() { return ++clock; }

bool isDone(c10::StreamId stream, uint64_t moment) {
    std::lock_guard guard(lock);
    auto last = finished.find(stream);
    return moment < allFinished || (last != finished.end() && moment < last->second);
}

void later(std::function<void()> work) {
    std::lock_guard guard(lock);
    waiting[current].push_back(std::move(work));
}

void finishAll() {
    std::lock_guard guard(lock);
    for (auto &[id, queue] : waiting) finish(id);
    allFinished = now();
}

} // namespace fake
