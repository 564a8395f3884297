import Foundation
import SelfPatchFormats

/// A text file to which lines are appended, and which can be gone on with after any number of its lines.
final class LineFile {
    let path: String
    private let handle: FileHandle
    private var buffer = Data()

    /// - Parameters:
    ///   - kept: is shown each whole line in turn and says whether it stays; the first that does not ends the file. Nil begins
    ///     the file anew.
    /// - Throws: `UserError` if the file cannot be read or written.
    init(path: String, keeping kept: ((Substring) -> Bool)?) throws {
        self.path = path
        var end = 0
        if let kept {
            let file = try MappedFile(path: path)
            file.withBytes { bytes in
                while let length = bytes[end...].firstIndex(of: 0x0A).map({ $0 - end }),
                    kept(Substring(decoding: bytes[end..<end + length], as: UTF8.self))
                { end += length + 1 }
            }
        } else {
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw UserError.file("write", path, errno)
            }
        }
        guard let handle = FileHandle(forUpdatingAtPath: path) else { throw UserError.file("write", path, errno) }
        self.handle = handle
        try trying {
            try handle.truncate(atOffset: UInt64(end))
            try handle.seekToEnd()
        }
    }

    func append(_ line: String) { buffer += Data("\(line)\n".utf8) }

    /// Writes what was appended, and makes it durable.
    func save() throws {
        try trying {
            try handle.write(contentsOf: buffer)
            try handle.synchronize()
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func trying(_ body: () throws -> Void) throws {
        do { try body() } catch { throw UserError("Cannot write \(path): \(error.localizedDescription)") }
    }
}
