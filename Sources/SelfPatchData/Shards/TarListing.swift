import Foundation
import SelfPatchFormats

/// The files in a tar file and where they lie, found by reading its headers.
struct TarListing {
    struct Member: Equatable {
        let name: String
        /// Where the content begins, in bytes from the archive's start.
        let offset: Int
        let size: Int
    }

    private(set) var members: [Member] = []
    /// Why the listing ends before the archive does; nil where it is whole.
    private(set) var problem: ImageProblem?

    /// Names and records longer than this are nobody's.
    private static let longestText = 1 << 16

    /// Reads a shard's headers; contents are jumped over.
    ///
    /// - Throws: where the file cannot be opened or read.
    init(_ shard: OpenShard) throws(ImageProblem) {
        var place = 0
        var name: String?
        var size: Int?
        while true {
            guard let block = try shard.bytes(at: place, count: TarHeader.byteCount) else {
                // Many writers leave out the blocks at the end; a file that ends between two members is whole.
                if place != shard.size || name != nil { problem = Self.cut(at: place) }
                return
            }
            if block.withUnsafeBytes({ TarHeader.isEnd($0) }) { return }
            guard let header = block.withUnsafeBytes({ TarHeader($0) }) else {
                problem = ImageProblem(
                    .corrupt, "has no header at byte \(place), where one should be; what lies behind is not used")
                return
            }
            let content = place + TarHeader.byteCount
            let length = header.kind == .file ? size ?? header.size : header.size
            guard let end = TarHeader.end(ofContentAt: content, size: length), length >= 0,
                content + length <= shard.size
            else {
                problem = Self.cut(at: place)
                return
            }
            switch header.kind {
            case .file:
                members.append(Member(name: name ?? header.name, offset: content, size: length))
                (name, size) = (nil, nil)
            case .records, .longName:
                guard length <= Self.longestText, let bytes = try shard.bytes(at: content, count: length) else {
                    problem = ImageProblem(.corrupt, "has a name of \(length) bytes at byte \(place)")
                    return
                }
                if header.kind == .longName {
                    name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                } else {
                    let records = TarHeader.records(bytes)
                    (name, size) = (records.path ?? name, records.size ?? size)
                }
            case .other: (name, size) = (nil, nil)
            }
            place = end
        }
    }

    private static func cut(at place: Int) -> ImageProblem {
        ImageProblem(.truncated, "ends in the middle of what begins at byte \(place), which is not used")
    }
}
