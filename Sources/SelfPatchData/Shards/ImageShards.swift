import Foundation
import SelfPatchFormats

/// The images of tar files in the convention of WebDataset: members that share a name up to its first dot are one sample, and a
/// sample's image is its first member of an image's kind.
///
/// Made by `ShardPacker` or by others. A shard that is cut short or damaged is named among the problems and used as far as it goes.
/// Shards are listed from their index where there is one, and otherwise by reading their headers. Of each image 24 bytes and its
/// name are held.
package struct ImageShards: ImageCollection {
    package let root: String
    package let problems: [ImageFolder.Problem]
    package let mixing: Mixing

    private let names: NameTable
    private let offsets: [Int]
    private let sizes: [Int]
    /// The first image of each shard, and the number of all images.
    private let starts: [Int]
    /// What shards are called in messages: their files' names.
    private let titles: [String]
    private let open: OpenShards

    /// - Parameters:
    ///   - root: what the user called them.
    ///   - shards: paths in their order.
    ///   - window: among how many images an epoch mixes; see `Mixing`.
    /// - Throws: `UserError` where no shard can be read, or none holds an image.
    package init(root: String, shards: [String], window: Int) throws {
        var names = NameTable()
        var offsets: [Int] = []
        var sizes: [Int] = []
        var starts = [0]
        var problems: [ImageFolder.Problem] = []
        for path in shards {
            let title = (path as NSString).lastPathComponent
            do throws(ImageProblem) {
                let (members, problem) = try Self.members(ofShard: path)
                if let problem { problems.append(.init(name: title, problem: problem)) }
                var last: Substring?
                for member in members {
                    let name = ShardName(member.name)
                    guard name.isImage, name.key != last else { continue }
                    last = name.key
                    names.append(member.name.utf8)
                    offsets.append(member.offset)
                    sizes.append(member.size)
                }
            } catch {
                problems.append(.init(name: title, problem: error))
            }
            starts.append(names.count)
        }
        guard names.count > 0 else {
            let reasons = problems.prefix(3).map { " \(PrintableName.of($0.name)) \($0.problem.detail)." }.joined()
            let count = shards.count == 1 ? "holds" : "hold"
            throw UserError(
                "\(PrintableName.of(root)): \(shards.count) shard\(shards.count == 1 ? "" : "s") that \(count) no image (a member "
                    + "like cats/1.jpg).\(reasons)")
        }
        names.shrink()
        self.root = root
        self.problems = problems
        self.names = names
        self.offsets = offsets
        self.sizes = sizes
        self.starts = starts
        titles = shards.map { ($0 as NSString).lastPathComponent }
        open = OpenShards(paths: shards)
        mixing = Mixing(shards: zip(starts, starts.dropFirst()).map { $1 - $0 }, window: window)
    }

    private static func members(
        ofShard path: String
    ) throws(ImageProblem) -> (members: [TarListing.Member], problem: ImageProblem?) {
        let shard = try OpenShard(path: path)
        if let known = try ShardIndex.members(ofShard: path, shard) { return (known, nil) }
        let listing = try TarListing(shard)
        return (listing.members, listing.problem)
    }

    package var count: Int { names.count }

    /// The shard's name and the member's: `photos-000003.tar/cats/1.jpg`.
    package func name(of index: Int) -> String { titles[shard(of: index)] + "/" + names.string(index) }

    package func read(
        _ index: Int, channels: Int, pixelLimit: Int
    ) throws(ImageProblem) -> (pixels: Pixels, info: ImageInfo) {
        let bytes = try content(of: index, pixelLimit: pixelLimit)
        // Typed throws do not pass through the closure.
        let result = bytes.withUnsafeBytes { bytes -> Result<(pixels: Pixels, info: ImageInfo), ImageProblem> in
            do throws(ImageProblem) {
                return .success(try ImageFile.read(bytes, channels: channels, pixelLimit: pixelLimit))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// An image file's bytes, after a look at the header that should stand before them: an index may be another shard's.
    private func content(of index: Int, pixelLimit: Int) throws(ImageProblem) -> ArraySlice<UInt8> {
        let member = TarListing.Member(name: names.string(index), offset: offsets[index], size: sizes[index])
        let place = member.offset - TarHeader.byteCount
        let shard = try open[self.shard(of: index)]
        if member.size > FileContent.plainByteCount {
            let head = try shard.bytes(at: member.offset, count: FileContent.headByteCount) ?? []
            let limit = head.withUnsafeBytes { ImageFile.byteLimit($0, pixelLimit: pixelLimit) }
            guard member.size <= limit else { throw FileContent.excess(member.size, limit) }
        }
        guard let bytes = try shard.bytes(at: place, count: TarHeader.byteCount + member.size) else {
            throw ImageProblem(.truncated, "lies behind the end of its shard, which was cut short")
        }
        let header = bytes.withUnsafeBytes { TarHeader(UnsafeRawBufferPointer(rebasing: $0[..<TarHeader.byteCount])) }
        guard let header, header.fits(member) else {
            throw ImageProblem(
                .corrupt,
                "has no header where its shard's index has it; the shard is damaged, or the index another one's")
        }
        return bytes[TarHeader.byteCount...]
    }

    /// The last shard that begins at or before the image; shards without images are passed over.
    private func shard(of image: Int) -> Int {
        precondition(image >= 0 && image < count, "image \(image) of \(count)")
        var low = 0
        var high = titles.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= image { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
