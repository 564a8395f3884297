import Foundation
import SelfPatchFormats

/// The bytes of one file, read at once into memory of their own.
///
/// Not mapped: a mapped file that somebody shortens ends the program with a signal, and data sets live on network disks.
struct FileContent: ~Copyable {
    let bytes: UnsafeRawBufferPointer

    /// Larger files are read only if their header explains their size.
    static let plainByteCount = 64 << 20
    static let headByteCount = 1 << 20

    /// A file that is longer than its pixels can explain.
    static func excess(_ count: Int, _ limit: Int) -> ImageProblem {
        ImageProblem(.tooLarge, "has \(count) bytes, far more than its pixels need (at most \(limit)), and is not read")
    }

    deinit {
        bytes.deallocate()
    }

    /// - Parameter sizeLimit: for files of more than `plainByteCount` bytes, the most bytes to read, given the first
    ///   mebibyte; a file that has more is refused.
    init(path: String, sizeLimit: (UnsafeRawBufferPointer) -> Int) throws(ImageProblem) {
        // Without O_NONBLOCK a pipe would be waited for until somebody writes to it.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.openingProblem(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.problem(errno, "cannot be looked at") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Self.notAFile(status) }

        let count = Int(status.st_size)
        if count > Self.plainByteCount {
            let head = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.headByteCount, alignment: 16)
            defer { head.deallocate() }
            let headCount = try Self.read(descriptor, into: head)
            let limit = max(Self.plainByteCount, sizeLimit(UnsafeRawBufferPointer(rebasing: head[..<headCount])))
            guard count <= limit else { throw Self.excess(count, limit) }
            guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.problem(errno, "cannot be read") }
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        do {
            // Fewer bytes than announced: the file was shortened meanwhile; what is there is judged by the decoder.
            let read = try Self.read(descriptor, into: buffer)
            bytes = UnsafeRawBufferPointer(start: buffer.baseAddress, count: read)
        } catch {
            buffer.deallocate()
            throw error
        }
    }

    private static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ImageProblem) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = Foundation.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw problem(errno, "cannot be read") }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// A file that cannot be opened: a second look tells broken links from missing files.
    static func openingProblem(_ path: String, _ code: Int32) -> ImageProblem {
        switch code {
        case ENOENT:
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
                return ImageProblem(.notFound, "is not there (any more)")
            }
            return ImageProblem(.danglingLink, "is a link to \(PrintableName.of(target)), which is not there")
        case ELOOP: return ImageProblem(.linkLoop, "is a link that leads back to itself")
        case ENXIO, EOPNOTSUPP: return ImageProblem(.notAFile, "is a socket, not a file")
        default: return problem(code, "cannot be opened")
        }
    }

    static func problem(_ code: Int32, _ what: String) -> ImageProblem {
        switch code {
        case EACCES, EPERM: return ImageProblem(.noPermission, "\(what): there is no permission to read it")
        case ENOENT, ENOTDIR: return ImageProblem(.notFound, "is not there (any more)")
        case ELOOP: return ImageProblem(.linkLoop, "is a link that leads back to itself")
        default: return ImageProblem(.unreadable, "\(what): \(String(cString: strerror(code)))")
        }
    }

    private static func notAFile(_ status: stat) -> ImageProblem {
        let kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: "a folder"
            case S_IFIFO: "a pipe"
            case S_IFSOCK: "a socket"
            case S_IFCHR, S_IFBLK: "a device"
            default: "something special"
            }
        return ImageProblem(.notAFile, "is \(kind), not a file")
    }
}
