import Foundation

/// The bytes of an ordinary file, mapped into memory for reading, so that a file of any size costs only what is touched.
///
/// The file must not be cut short by others while it is mapped (the system would stop the program).
package final class MappedFile: Sendable {
    package let path: String
    // Made in `init`, given back in `deinit`, never changed between: safe to share.
    private nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    /// - Throws: `UserError` that names the file; also if it is a folder, a pipe or a device.
    package init(path: String) throws {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // Opening a pipe must not wait for a writer.
        guard descriptor >= 0 else { throw UserError.file("read", path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw UserError.file("read", path, errno) }
        if status.st_mode & S_IFMT == S_IFDIR { throw UserError.file("read", path, EISDIR) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw UserError("Cannot read \(path): it is no ordinary file.")
        }
        let size = Int(status.st_size)
        isMapped = size > 0  // Nothing cannot be mapped.
        guard isMapped else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            throw UserError.file("read", path, errno)
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    /// A copy of bytes in memory that stands for a file, for programs that try damaged files in great numbers.
    package init(copying source: UnsafeRawBufferPointer, path: String) {
        self.path = path
        isMapped = false
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
        copy.copyMemory(from: source)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit {
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else if let start = bytes.baseAddress {
            UnsafeMutableRawPointer(mutating: start).deallocate()
        }
    }

    package var count: Int { bytes.count }

    /// Lends all bytes; they are valid within `body` only.
    package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(bytes) }
    }
}
