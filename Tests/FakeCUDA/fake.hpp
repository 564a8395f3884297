// A GPU that is none: tensors "on CUDA" whose memory is the host's and whose kernels are the processor's, so that the program's way
// with a GPU can be walked where there is none. It stands in the place of libtorch_cuda and of the driver.
#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <functional>

namespace fake {

constexpr c10::DeviceIndex only = 0;
inline c10::Device place() { return c10::Device(c10::kCUDA, only); }

// memory.cpp

/// What CUDA's own allocator waits for: before it there are no figures.
void start();
/// The most bytes that tensors have had.
int64_t peakBytes();
bool isPinned(const void *address);
c10::Allocator *pinnedMemory();
c10::Allocator *deviceMemory();
/// The same memory as a tensor of the processor; it keeps the memory alive.
at::Tensor onHost(const at::Tensor &tensor);
/// What a kernel of the processor made, as a tensor of the device.
at::Tensor onDevice(const at::Tensor &host);
/// Its memory may be given back while this stream is still at it.
void recordStream(const c10::DataPtr &memory, c10::StreamId stream);

// streams.cpp

/// The stream on which the calling thread works.
c10::StreamId currentStream();
/// What the driver calls it.
void *streamHandle(c10::StreamId stream);
/// Whether it is another one than the first.
bool isAside();
/// A moment after all that was asked so far.
uint64_t now();
/// Whether somebody has waited for a stream since then.
bool isDone(c10::StreamId stream, uint64_t moment);
/// Work of the current stream that is not done before somebody waits for it.
void later(std::function<void()> work);
/// Does what all streams have left.
void finishAll();

// report.cpp

/// What the host asked of the device.
void countOperation(const std::string &name);
void countUpload(int64_t bytes, bool pinned, bool aside);
/// It waits for them.
void countDownload(int64_t bytes);
/// The host waited for the device.
void countWait(const std::string &name);

} // namespace fake
