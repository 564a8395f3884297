/// The entries of a zip file as PyTorch writes it: stored, never packed. Only the directory and the headers are read; all
/// that they claim is compared with the file before anything else is done.
///
/// Stricter than general unpackers, since two readers that see two different files in the same bytes are how checks are
/// passed by: one end record at the very end and nothing between it and the directory, local headers that say the same as
/// the directory, no name twice, no two entries that share bytes, no name that leaves its folder. Packed and encrypted
/// entries are refused: PyTorch writes none, so nothing here ever unpacks.
package struct ZipReader: Sendable {
    /// One stored entry.
    package struct Entry: Sendable, Equatable {
        package let name: String
        /// Of the first byte of its content, from the file's start.
        package let offset: Int
        package let byteCount: Int
        package let checksum: UInt32
    }

    /// More would be no checkpoint; each entry costs memory before anything of it is used.
    static let mostEntries = 200_000

    /// In the directory's order.
    package let entries: [Entry]
    /// False if the writer left all checksums 0, as PyTorch does when told not to compute any.
    package let hasChecksums: Bool
    private let indices: [String: Int]

    /// Reads the directory and all local headers.
    ///
    /// - Parameter recognize: sees all names before entries are looked at, and may refuse the file by what it is.
    /// - Throws: `FileRefusal`; what `recognize` throws.
    package init(_ bytes: UnsafeRawBufferPointer, recognize: ([String]) throws -> Void = { _ in }) throws {
        let end = try ZipEnd(bytes)
        let items = try ZipDirectory.items(bytes, end)
        try recognize(items.map(\.name))
        if let packed = items.first(where: { $0.method != 0 }) {
            throw FileRefusal(
                .compressed,
                "its entry \(quoted(packed.name)) is packed (method \(packed.method)). PyTorch packs nothing, so another "
                    + "program made or remade this file; nothing packed is read")
        }
        var indices: [String: Int] = [:]
        indices.reserveCapacity(items.count)
        for (index, item) in items.enumerated() where indices.updateValue(index, forKey: item.name) != nil {
            throw FileRefusal(.duplicate, "its zip directory names the entry \(quoted(item.name)) twice")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(items.count)
        var spans: [(begin: Int, end: Int, index: Int)] = []
        spans.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            let place = try ZipLocalHeader.place(of: item, in: bytes, directoryOffset: end.directoryOffset)
            entries.append(
                Entry(name: item.name, offset: place.content, byteCount: item.byteCount, checksum: item.checksum))
            spans.append((item.headerOffset, place.end, index))
        }
        spans.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        for (before, after) in zip(spans, spans.dropFirst()) where after.begin < before.end {
            throw FileRefusal(
                .overlap,
                "its zip entries \(quoted(items[before.index].name)) and \(quoted(items[after.index].name)) overlap")
        }
        self.entries = entries
        hasChecksums = entries.contains { $0.checksum != 0 }
        self.indices = indices
    }

    /// The entry of this name, or nil.
    package subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }

    /// The content of an entry, not yet compared with its checksum.
    ///
    /// - Parameter bytes: the file that the entry was read from.
    package static func content(of entry: Entry, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        precondition(entry.offset >= 0 && entry.byteCount >= 0 && entry.byteCount <= bytes.count - entry.offset)
        return UnsafeRawBufferPointer(rebasing: bytes[entry.offset..<(entry.offset + entry.byteCount)])
    }

    /// Compares an entry's content with its checksum.
    ///
    /// - Throws: `FileRefusal`.
    package static func verify(_ entry: Entry, in bytes: UnsafeRawBufferPointer) throws {
        var checksum = CRC32()
        checksum.update(content(of: entry, in: bytes))
        guard checksum.value == entry.checksum else {
            throw FileRefusal(
                .checksum,
                "it is damaged: the checksum of its entry \(quoted(entry.name)) should be "
                    + "\(SafetensorsWriter.digits(entry.checksum)) and is \(SafetensorsWriter.digits(checksum.value))")
        }
    }
}
