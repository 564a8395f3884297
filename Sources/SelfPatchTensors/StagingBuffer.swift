import CSelfPatchTorch
import SelfPatchFormats

/// Memory of the host in which bytes for a device are made, over and over: filled, sent, taken, filled again.
///
/// For a GPU the memory is pinned, and what is sent goes there on a stream of its own while the GPU works at something else. On
/// the CPU sending does nothing, and what is taken is a copy. One thread at a time uses it; which one, its owner knows.
package final class StagingBuffer {
    package let bytes: UnsafeMutableBufferPointer<UInt8>
    private let memory: Tensor
    private let device: Device
    private var shape: [Int] = []
    private var upload: OpaquePointer?

    package init(capacity: Int, for device: Device) {
        self.device = device
        let isPinned = if case .cuda = device { true } else { false }
        memory = isPinned ? .pinned([capacity]) : .empty([capacity], type: .uint8)
        bytes = memory.mutableBytes
    }

    deinit { reclaim() }

    /// Sends the first bytes on their way, as a uint8 tensor of this shape. They may not be changed before `reclaim()`.
    /// - Throws: `UserError` where the device has no room for them, or cannot take them.
    package func send(_ shape: [Int]) throws {
        self.shape = shape
        guard case .cuda = device else { return }
        if let failure = Failure(Tensor.calling([sent]) { sp_upload_begin($0[0], device.native, &upload) }) {
            throw UserError(
                "Bytes \(shape) could not be sent to \(device): \(failure.message). Where memory is short, smaller batches or more parts "
                    + "a step need less.")
        }
    }

    /// What was sent, on the device; once. Nothing waits for it but the work that this thread asks of the device from now on.
    package func take() -> Tensor {
        guard let upload else { return device == .cpu ? sent.clone() : sent.moved(to: device) }
        return Tensor("take an upload") { sp_upload_take(upload, $0) }
    }

    /// Makes the bytes free to be written: waits until those sent have been read, which after `take()` is hardly ever long.
    package func reclaim() {
        guard let upload else { return }
        Failure.stop("wait for an upload", sp_upload_wait(upload))
        sp_upload_release(upload)
        self.upload = nil
    }

    private var sent: Tensor {
        memory.narrowed(to: 0..<shape.reduce(1, *), dimension: 0).reshaped(to: shape)
    }
}

extension Tensor {
    /// Bytes of the host that a GPU reads by itself.
    fileprivate static func pinned(_ shape: [Int]) -> Tensor {
        make("pinned memory") { _, out in withInts(shape) { sp_empty_pinned($0, SP_UINT8, out) } }
    }

    /// Where the elements of a uint8 tensor lie; valid as long as the tensor is.
    fileprivate var mutableBytes: UnsafeMutableBufferPointer<UInt8> {
        var address: UnsafeMutableRawPointer?
        Self.perform("bytes", [self]) { sp_data($0[0], &address) }
        return UnsafeMutableBufferPointer(start: address?.assumingMemoryBound(to: UInt8.self), count: count)
    }
}
