import Foundation
import SelfPatchFormats

/// Where a shard's samples lie, in a text file beside it, so that they are listed without reading it: the format of NVIDIA DALI's
/// `wds2idx`, version 1.2.
///
///     v1.2 2
///     jpg 512 20113 cats/1.jpg cls 21504 1 cats/1.cls
///     jpg 23040 18042 cats/2.jpg cls 42496 1 cats/2.cls
///
/// An index is believed as far as the shard has headers before what it names: its first and last member are looked at when it is
/// read, every other when its image is.
enum ShardIndex {
    /// The index of `photos-000000.tar` is `photos-000000.idx`.
    static func path(ofShard path: String) -> String { (path as NSString).deletingPathExtension + ".idx" }

    /// The text for members that lie in a shard one after another.
    ///
    /// - Precondition: names without white space.
    static func text(_ samples: [[TarListing.Member]]) -> String {
        var text = "v1.2 \(samples.count)\n"
        for sample in samples {
            text += sample.map { "\(ShardName($0.name).kind) \($0.offset) \($0.size) \($0.name)" }.joined(
                separator: " ")
            text += "\n"
        }
        return text
    }

    /// - Returns: nil where there is no index, it is not of this version, or it is another shard's: the shard's own headers tell the
    ///   same.
    static func members(ofShard path: String, _ shard: OpenShard) throws(ImageProblem) -> [TarListing.Member]? {
        guard let data = FileManager.default.contents(atPath: Self.path(ofShard: path)),
            let members = members(in: data, shardSize: shard.size)
        else { return nil }
        for member in [members.first, members.last].compactMap(\.self) {
            guard let block = try shard.bytes(at: member.offset - TarHeader.byteCount, count: TarHeader.byteCount),
                let header = block.withUnsafeBytes({ TarHeader($0) }), header.fits(member)
            else { return nil }
        }
        return members
    }

    private static func members(in data: Data, shardSize size: Int) -> [TarListing.Member]? {
        let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
        guard let first = lines.first, first == "v1.2 \(lines.count - 1)" else { return nil }
        var members: [TarListing.Member] = []
        for line in lines.dropFirst() {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count % 4 == 0 else { return nil }
            for start in stride(from: 0, to: words.count, by: 4) {
                guard let offset = Int(words[start + 1]), let count = Int(words[start + 2]),
                    offset >= TarHeader.byteCount, count >= 0, offset <= size, count <= size - offset
                else { return nil }
                members.append(.init(name: String(words[start + 3]), offset: offset, size: count))
            }
        }
        return members
    }
}

/// A member's name, as WebDataset takes it apart: the key is all up to the first dot of the last part, what follows is the kind.
struct ShardName {
    let key: Substring
    let kind: String

    init(_ name: String) {
        let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        let dot = name[start...].firstIndex(of: ".") ?? name.endIndex
        key = name[..<dot]
        kind = dot < name.endIndex ? name[name.index(after: dot)...].lowercased() : ""
    }

    var isImage: Bool { ImageFolder.extensions.contains(kind) }
}
