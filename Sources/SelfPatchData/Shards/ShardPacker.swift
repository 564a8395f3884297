import Foundation
import SelfPatchFormats

/// Packs the images of a folder into tar files in the convention of WebDataset, with an index beside each.
///
/// Files are copied as they are. The same folder and settings give the same bytes.
package struct ShardPacker {
    package struct Settings: Sendable {
        /// A shard is closed before it would grow beyond this; one image may be more.
        package var shardBytes = 1 << 30
        /// Keeps the folder's order, in which neighbours are alike. Otherwise images are shuffled first, so that few shards taken
        /// together are a fair share of all.
        package var keepsOrder = false
        /// Of the shuffling.
        package var seed: UInt64 = 0
        /// Adds the number of each image's top folder as a member of kind `cls`.
        package var writesClasses = false

        package init() {}
    }

    /// What a call made.
    package struct Outcome: Sendable {
        package var images = 0
        /// The shards' files.
        package var paths: [String] = []
        /// Files that are no image that could be read, by name; they are left out.
        package var skipped: [ImageFolder.Problem] = []
        /// False where it was asked to stop; the shards written so far are whole, the last one shorter than it would be.
        package var isFinished = true

        /// All shards in one word, as `pretrain --data` takes it.
        package var pattern: String {
            guard let first = paths.first, let last = paths.last, paths.count > 1 else { return paths.first ?? "" }
            return first.dropLast(10) + "{" + first.suffix(10).dropLast(4) + ".." + last.suffix(10).dropLast(4)
                + "}.tar"
        }
    }

    package let folder: ImageFolder
    /// What the shards' paths begin with: `photos` for `photos-000000.tar`.
    package let base: String
    package let settings: Settings

    private let order: [UInt32]

    /// - Parameter output: where the shards go: `photos.tar` or `photos` for `photos-000000.tar` and so on.
    /// - Throws: `UserError` where such shards are there, or classes are asked for and an image has none.
    package init(_ folder: ImageFolder, output: String, _ settings: Settings) throws {
        precondition(settings.shardBytes > 0, "shards of \(settings.shardBytes) bytes")
        self.folder = folder
        self.settings = settings
        base = ShardNames.isShard(output) ? (output as NSString).deletingPathExtension : output
        order =
            settings.keepsOrder
            ? (0..<UInt32(folder.count)).map { $0 }
            : EpochOrder.places(count: folder.count, seed: settings.seed, epoch: 0)
        try requireRoom()
        if settings.writesClasses, let stray = (0..<folder.count).first(where: { folder.topFolder(of: $0) == nil }) {
            throw UserError(
                "The image \(PrintableName.of(folder.name(of: stray))) lies in no folder of \(PrintableName.of(folder.root)), so it "
                    + "has no class. Put it into its class's folder, or pack without classes.", kind: .usage)
        }
    }

    /// - Parameters:
    ///   - progress: told after each image how many are done.
    ///   - isStopped: asked before each image.
    /// - Throws: `UserError` where a shard cannot be written. Those before it are whole.
    package func pack(progress: (Int) -> Void = { _ in }, isStopped: () -> Bool = { false }) throws -> Outcome {
        var outcome = Outcome()
        var keys = ShardKeys()
        var rest = order[...]
        while !rest.isEmpty, outcome.isFinished {
            let path = Self.path(base, outcome.paths.count)
            var samples: [[TarListing.Member]] = []
            try AtomicFile.write(to: path) { output in
                while let image = rest.first {
                    outcome.isFinished = !isStopped()
                    guard outcome.isFinished else { break }
                    switch content(of: Int(image)) {
                    case .failure(let problem):
                        outcome.skipped.append(.init(name: folder.name(of: Int(image)), problem: problem))
                    case .success(let bytes):
                        if !samples.isEmpty, output.count + bytes.count > settings.shardBytes {
                            return try output.endArchive()
                        }
                        samples.append(try append(Int(image), bytes, &keys, to: output))
                    }
                    rest.removeFirst()
                    progress(order.count - rest.count)
                }
                try output.endArchive()
            }
            guard !samples.isEmpty else {
                unlink(path)
                break
            }
            try AtomicFile.write(Data(ShardIndex.text(samples).utf8), to: ShardIndex.path(ofShard: path))
            outcome.images += samples.count
            outcome.paths.append(path)
        }
        return outcome
    }

    static func path(_ base: String, _ shard: Int) -> String {
        let digits = String(shard)
        return "\(base)-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).tar"
    }

    /// A file's bytes, if it begins as an image does.
    private func content(of image: Int) -> Result<[UInt8], ImageProblem> {
        do throws(ImageProblem) {
            let limit = ImageFile.defaultPixelLimit
            let content = try FileContent(path: folder.path(of: image)) { ImageFile.byteLimit($0, pixelLimit: limit) }
            _ = try ImageFile.probe(content.bytes, pixelLimit: limit)
            return .success(Array(content.bytes))
        } catch {
            return .failure(error)
        }
    }

    private func append(
        _ image: Int, _ bytes: [UInt8], _ keys: inout ShardKeys, to output: AtomicFile.Output
    ) throws -> [TarListing.Member] {
        let (key, kind) = keys.next(for: folder.name(of: image))
        var members = [try output.append(member: "\(key).\(kind)", bytes)]
        if settings.writesClasses, let number = folder.topFolder(of: image) {
            members.append(try output.append(member: "\(key).cls", Array("\(number)".utf8)))
        }
        return members
    }

    private func requireRoom() throws {
        let folder = FilePath.folder(of: base)
        let start = (base as NSString).lastPathComponent + "-"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw UserError("There is no folder \(PrintableName.of(folder)) for the shards; make it first.")
        }
        if let taken = names.first(where: { $0.hasPrefix(start) && ShardNames.isShard($0) }) {
            throw UserError(
                "\(PrintableName.of(folder)) holds \(PrintableName.of(taken)) already. Remove these shards, or choose another name."
            )
        }
    }
}

extension AtomicFile.Output {
    /// Appends a file to an archive; says where it lies.
    fileprivate func append(member name: String, _ bytes: [UInt8]) throws -> TarListing.Member {
        try TarHeader.blocks(forFile: name, size: bytes.count).withUnsafeBytes { try append($0) }
        let member = TarListing.Member(name: name, offset: count, size: bytes.count)
        try bytes.withUnsafeBytes { try append($0) }
        try [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512).withUnsafeBytes { try append($0) }
        return member
    }

    fileprivate func endArchive() throws { try TarHeader.end.withUnsafeBytes { try append($0) } }
}

/// Names for samples: an image's own without its kind, free of what would be taken apart, and none twice.
struct ShardKeys {
    private var taken: Set<String> = []

    /// The key and the kind for an image's name: `cats/a.b 1.JPG` becomes `cats/a_b_1` and `jpg`.
    mutating func next(for name: String) -> (key: String, kind: String) {
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        let kind = dot < name.endIndex ? name[name.index(after: dot)...].lowercased() : ""
        let slash = name[..<dot].lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        // Dots take a name apart, but not those of folders; white space takes a line of the index apart.
        let stem = name[slash..<dot].map { $0 == "." ? "_" : $0 }
        var key = String((name[..<slash] + stem).map { $0.isWhitespace || $0.isNewline ? "_" : $0 })
        let plain = key
        var number = 1
        while !taken.insert(key).inserted {
            number += 1
            key = "\(plain)_\(number)"
        }
        return (key, kind)
    }
}
