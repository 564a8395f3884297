import Foundation

/// Writes a NumPy `.npy` file row by row, for arrays that are larger than memory and for work that may be interrupted.
///
/// The header is the record of what counts: rows that were appended after the last ``save()`` lie behind the shape that it
/// states, so NumPy does not see them, and a writer that goes on overwrites them. So the file is a valid array at any
/// moment, also after a kill.
public final class NPYWriter {
    public let path: String
    public let elementType: SafetensorsFile.ElementType
    /// The shape of one row; the array's is `[rows] + rowShape`.
    public let rowShape: [Int]
    /// Rows so far, saved or not.
    public private(set) var rows: Int

    private var descriptor: Int32
    private let headerCount: Int
    private let rowBytes: Int

    /// Begins a new file, or goes on with one of an earlier writer of the same rows.
    ///
    /// - Parameters:
    ///   - elementType: any but bfloat16, which NumPy lacks.
    ///   - resuming: rows that the file holds already and that shall stay; nil begins the file anew. Fewer than it holds
    ///     are allowed: the others are written again.
    /// - Throws: `UserError` if the file cannot be written, or if it is not the one to go on with.
    public init(
        path: String, elementType: SafetensorsFile.ElementType, rowShape: [Int], resuming: Int? = nil
    ) throws {
        precondition(NPYHeader.code(elementType) != nil, "NumPy has no bfloat16")
        guard let rowBytes = SafetensorsFile.byteCount(elementType, rowShape) else {
            preconditionFailure("the shape \(rowShape) of a row overflows")
        }
        self.path = path
        self.elementType = elementType
        self.rowShape = rowShape
        self.rowBytes = rowBytes
        rows = resuming ?? 0
        let header = NPYHeader.bytes(elementType: elementType, shape: [rows] + rowShape)
        headerCount = header.count
        let flags = resuming == nil ? O_WRONLY | O_CREAT | O_TRUNC : O_RDWR
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw UserError.file("write", path, errno) }
        do {
            if resuming == nil {
                try write(header, at: 0)
            } else {
                try checkBeginning()
            }
        } catch {
            close(descriptor)
            descriptor = -1
            throw error
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// How many rows a file holds that an earlier writer saved.
    ///
    /// - Throws: `UserError` if it cannot be read or is no such file.
    public static func savedRows(in path: String) throws -> Int {
        let file = try MappedFile(path: path)
        let header = try file.withBytes { try NPYHeader($0, path: path) }
        return header.shape.first ?? 0
    }

    /// Appends rows.
    ///
    /// - Parameter values: a whole number of rows, row-major, little-endian.
    /// - Throws: `UserError` that names the file and the reason; what was saved before is intact.
    public func append(_ values: UnsafeRawBufferPointer) throws {
        precondition(rowBytes > 0 && values.count.isMultiple(of: rowBytes), "only whole rows can be appended")
        try write(values, at: headerCount + rows * rowBytes)
        rows += values.count / rowBytes
    }

    /// Makes all rows so far part of the array, and durable.
    public func save() throws {
        try synchronize()  // The rows first: the header must not speak of what is not on the disk.
        let header = NPYHeader.bytes(elementType: elementType, shape: [rows] + rowShape)
        precondition(header.count == headerCount, "a header has room for any number of rows")
        try write(header, at: 0)
        try synchronize()
    }

    /// Saves, cuts off what lies behind the last row, and closes the file.
    public func finish() throws {
        try save()
        guard ftruncate(descriptor, off_t(headerCount + rows * rowBytes)) == 0 else {
            throw UserError.file("write", path, errno)
        }
        let failed = close(descriptor) != 0
        descriptor = -1
        if failed { throw UserError.file("write", path, errno) }
    }

    /// The file's own header must be that of these rows, and as many must be there as shall stay.
    private func checkBeginning() throws {
        let file = try MappedFile(path: path)
        let header = try file.withBytes { try NPYHeader($0, path: path) }
        guard header.elementType == elementType, !header.isColumnMajor, Array(header.shape.dropFirst()) == rowShape,
            header.dataOffset == headerCount
        else {
            throw UserError(
                "Cannot go on with \(path): it holds \(header.elementType.rawValue) of shape \(header.shape), not rows of "
                    + "\(elementType.rawValue) of shape \(rowShape). Remove it, or choose another file.")
        }
        let held = header.shape.first ?? 0
        guard rows <= held, let wanted = product(rows, rowBytes), wanted <= file.count - headerCount else {
            throw UserError(
                "Cannot go on with \(path) after row \(rows): it holds \(held). Remove it to begin anew.")
        }
    }

    private func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw UserError.file("write", path, errno) }
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws {
        try bytes.withUnsafeBytes { try write($0, at: offset) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let slice = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, slice.baseAddress, min(slice.count, 1 << 30), off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw UserError.file("write", path, errno)
            }
            done += written
        }
    }
}
