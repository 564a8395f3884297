import Foundation

/// Files that are there whole or not at all: bytes go to a temporary file beside the goal, which takes the goal's name
/// only after everything has reached the disk.
///
/// After a crash, a full disk or a kill at any moment the goal is either the old file or the new one; what may be left
/// behind is a file that ends in ``partialSuffix``.
package enum AtomicFile {
    /// The end of a temporary file's name; such files are leftovers of a writer that was killed, and safe to delete.
    package static let partialSuffix = ".partial"

    /// Writes `data` to `path`, whole or not at all.
    ///
    /// - Throws: `UserError` that names the file and the reason (no space, no permission, ...); the old file is intact.
    package static func write(_ data: Data, to path: String) throws {
        try write(to: path) { output in
            try data.withUnsafeBytes { try output.append($0) }
        }
    }

    /// Writes what `body` appends to `path`, whole or not at all; nothing is held in memory.
    ///
    /// - Throws: what `body` throws, or `UserError` that names the file and the reason; the old file is intact.
    package static func write(to path: String, _ body: (Output) throws -> Void) throws {
        let partial = "\(path).\(getpid())\(partialSuffix)"
        let output = try Output(path: partial, goal: path)
        do {
            try body(output)
            try output.finish()
            guard rename(partial, path) == 0 else { throw UserError.file("write", path, errno) }
            try syncFolder(of: path)
        } catch {
            output.close()
            unlink(partial)
            throw error
        }
    }

    /// The file being written. It lives for one call of ``AtomicFile/write(to:_:)``.
    package final class Output {
        /// Bytes appended so far.
        package private(set) var count = 0
        private var descriptor: Int32
        private let goal: String

        fileprivate init(path: String, goal: String) throws {
            self.goal = goal
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw UserError.file("write", goal, errno) }
        }

        /// Appends bytes at the end.
        package func append(_ bytes: UnsafeRawBufferPointer) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                let slice = UnsafeRawBufferPointer(rebasing: rest)
                let written = Foundation.write(descriptor, slice.baseAddress, min(slice.count, 1 << 30))
                if written < 0 {
                    if errno == EINTR { continue }
                    throw UserError.file("write", goal, errno)
                }
                rest = rest.dropFirst(written)
            }
            count += bytes.count
        }

        /// Replaces bytes that were appended before, for a field that is known only at the end.
        package func replace(at offset: Int, with bytes: [UInt8]) throws {
            precondition(offset >= 0 && offset + bytes.count <= count, "only bytes already written can be replaced")
            let written = pwrite(descriptor, bytes, bytes.count, off_t(offset))
            guard written == bytes.count else { throw UserError.file("write", goal, written < 0 ? errno : ENOSPC) }
        }

        /// Makes sure that the bytes are on the disk, and closes the file.
        fileprivate func finish() throws {
            guard fsync(descriptor) == 0 else { throw UserError.file("write", goal, errno) }
            let failed = Foundation.close(descriptor) != 0
            descriptor = -1
            if failed { throw UserError.file("write", goal, errno) }
        }

        fileprivate func close() {
            if descriptor >= 0 { _ = Foundation.close(descriptor) }
            descriptor = -1
        }

        deinit { close() }
    }

    /// Makes a rename durable: the folder's own list of names must reach the disk too.
    private static func syncFolder(of path: String) throws {
        let descriptor = open(FilePath.folder(of: path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }  // A folder that may be written but not read: the rename stands anyway.
        defer { close(descriptor) }
        // Some file systems cannot sync a folder and say EINVAL: nothing more can be done there.
        if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP { throw UserError.file("write", path, errno) }
    }
}

extension UserError {
    /// What the operating system said about a file, with what to do about it.
    ///
    /// - Parameters:
    ///   - action: "read", "write", "create" ...
    ///   - code: `errno`, taken right after the failing call.
    package static func file(_ action: String, _ path: String, _ code: Int32) -> UserError {
        let reason =
            switch code {
            case ENOSPC: "the disk is full. Free some space, or choose a folder on another disk."
            case EDQUOT: "your quota on this disk is used up. Free some space, or choose a folder on another disk."
            case EFBIG: "the file would be larger than this system allows (see `ulimit -f`)."
            case EACCES, EPERM: "permission denied. Change the permissions, or choose another place."
            case EROFS: "the disk is mounted read-only. Choose another place."
            case ENOENT where action == "read": "there is no such file or folder."
            case ENOENT: "its folder does not exist."
            case ENOTDIR: "a part of this path is a file, not a folder."
            case EISDIR: "this is a folder, not a file."
            case EMFILE, ENFILE: "too many files are open (see `ulimit -n`)."
            case EIO: "the disk reported an error while transferring data. Check the disk."
            case ENAMETOOLONG: "the name is too long."
            default: String(cString: strerror(code)) + "."
            }
        return UserError("Cannot \(action) \(PrintableName.of(path)): \(reason)")
    }
}
