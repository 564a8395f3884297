import Foundation
import SelfPatchFormats

/// A shard that is open for reading, by many threads at a time.
final class OpenShard: Sendable {
    /// Bytes in the file when it was opened.
    let size: Int
    private let descriptor: Int32

    init(path: String) throws(ImageProblem) {
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileContent.openingProblem(path, errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ImageProblem(.notAFile, "is not a file")
        }
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Asks the system to read the whole file ahead, from front to back, while its first images are in work.
    func readAhead() {
        #if os(Linux)
            posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_WILLNEED))
        #endif
    }

    /// - Returns: nil where the file ends before.
    func bytes(at offset: Int, count: Int) throws(ImageProblem) -> [UInt8]? {
        guard offset >= 0, count >= 0, offset <= size - count else { return nil }
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let part = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if part < 0 && errno == EINTR { continue }
                if part < 0 { failure = errno }
                if part <= 0 { break }
                filled += part
            }
        }
        if failure != 0 { throw FileContent.problem(failure, "cannot be read") }
        return bytes.count == count ? bytes : nil
    }
}

/// The shards that were read last, kept open: opening one again may be a journey over a network.
final class OpenShards: Sendable {
    private let paths: [String]
    private let recent = Guarded<[(index: Int, shard: OpenShard)]>([])
    private static let most = 64

    init(paths: [String]) { self.paths = paths }

    subscript(index: Int) -> OpenShard {
        get throws(ImageProblem) {
            let known = recent.withLock { recent -> OpenShard? in
                guard let place = recent.lastIndex(where: { $0.index == index }) else { return nil }
                recent.append(recent.remove(at: place))
                return recent.last?.shard
            }
            if let known { return known }
            let shard = try OpenShard(path: paths[index])
            shard.readAhead()
            recent.withLock { recent in
                if recent.count == Self.most { recent.removeFirst() }
                recent.append((index, shard))
            }
            return shard
        }
    }
}
