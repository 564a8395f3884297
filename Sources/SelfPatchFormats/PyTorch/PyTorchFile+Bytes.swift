import Foundation

/// Which storages have been compared with their checksums.
final class VerifiedStorages: Sendable {
    private let lock = NSLock()
    // Touched with the lock held only.
    private nonisolated(unsafe) var isVerified: [Bool]

    init(count: Int) { isVerified = [Bool](repeating: false, count: count) }

    func contains(_ storage: Int) -> Bool { lock.withLock { isVerified[storage] } }
    func insert(_ storage: Int) { lock.withLock { isVerified[storage] = true } }
}

extension PyTorchFile {
    /// Lends a tensor's elements, one after the other in row-major order: the mapped bytes themselves where they lie so
    /// in the file, else a copy. They may begin at any address, and are valid within `body` only.
    ///
    /// A copy is never larger than the tensor's storage, or 16 MiB where a view shows elements again and again: both were
    /// checked when the file was opened.
    ///
    /// - Parameter tensor: of this file.
    /// - Throws: `UserError` if the storage does not match its checksum; what `body` throws.
    public func withContiguousBytes<R>(
        of tensor: Tensor, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        try verify(tensor.storage)
        return try file.withBytes { bytes in
            let storage = storages[tensor.storage]
            let area = UnsafeRawBufferPointer(rebasing: bytes[storage.offset..<(storage.offset + storage.byteCount)])
            let start = tensor.offset - storage.offset
            let byteCount = tensor.byteCount
            if tensor.isContiguous {
                precondition(start >= 0 && start + byteCount <= area.count, "the tensor is of another file")
                return try body(UnsafeRawBufferPointer(rebasing: area[start..<(start + byteCount)]))
            }
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
            defer { copy.deallocate() }
            switch tensor.elementType.byteCount {
            case 1: Self.gather(UInt8.self, tensor, area, start, copy)
            case 2: Self.gather(UInt16.self, tensor, area, start, copy)
            case 4: Self.gather(UInt32.self, tensor, area, start, copy)
            default: Self.gather(UInt64.self, tensor, area, start, copy)
            }
            return try body(UnsafeRawBufferPointer(copy))
        }
    }

    /// Compares all storages with their checksums; files without zip have none.
    ///
    /// - Throws: `UserError` that names the first one that differs.
    public func verifyChecksums() throws {
        for storage in storages.indices { try verify(storage) }
    }

    private func verify(_ storage: Int) throws {
        guard let entry = storages[storage].zipEntry, !verified.contains(storage) else { return }
        do {
            try file.withBytes { try ZipReader.verify(entry, in: $0) }
        } catch let refusal as FileRefusal {
            throw Self.error(refusal, path)
        }
        verified.insert(storage)
    }

    /// Copies the elements of a view that is not contiguous, and so has at least one dimension and no empty ones.
    private static func gather<Bits: FixedWidthInteger>(
        _ type: Bits.Type, _ tensor: Tensor, _ area: UnsafeRawBufferPointer, _ start: Int,
        _ copy: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Bits>.size
        // A dimension of one element is never stepped along, and its stride may be any number.
        let steps = zip(tensor.shape, tensor.strides).map { $0 == 1 ? 0 : $1 * size }
        let outer = tensor.shape.count - 1
        let rowCount = tensor.shape[outer]
        let step = steps[outer]
        var index = [Int](repeating: 0, count: outer)
        var place = start
        for row in 0..<(tensor.count / rowCount) {
            precondition(
                place >= 0 && place + (rowCount - 1) * step + size <= area.count, "the tensor is of another file")
            for column in 0..<rowCount {
                copy.storeBytes(
                    of: area.loadUnaligned(fromByteOffset: place + column * step, as: type),
                    toByteOffset: (row * rowCount + column) * size, as: type)
            }
            // The next row: count up the index, last dimension first.
            for dimension in (0..<outer).reversed() {
                index[dimension] += 1
                place += steps[dimension]
                if index[dimension] < tensor.shape[dimension] { break }
                place -= index[dimension] * steps[dimension]
                index[dimension] = 0
            }
        }
    }
}
