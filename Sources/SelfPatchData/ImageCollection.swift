import Foundation
import SelfPatchFormats

/// Images in a fixed order, wherever they lie: in a folder, or packed into shards.
package protocol ImageCollection: Sendable {
    /// What was asked for: a folder, a shard, a pattern of shards.
    var root: String { get }
    /// How many images there are.
    var count: Int { get }
    /// What could not be entered or read to its end while the images were listed.
    var problems: [ImageFolder.Problem] { get }
    /// How their order is shuffled anew in every epoch.
    var mixing: Mixing { get }

    /// What an image is called in messages and lists.
    func name(of index: Int) -> String

    /// Reads an image and says what it was; called from many threads at a time.
    ///
    /// - Parameters:
    ///   - channels: those of the model; see `ImageFile.decode`.
    ///   - pixelLimit: refuse more pixels than these.
    func read(
        _ index: Int, channels: Int, pixelLimit: Int
    ) throws(ImageProblem) -> (pixels: Pixels, info: ImageInfo)
}

/// The images at a path, whichever kind of collection lies there.
package enum ImageCollections {
    /// Opens a folder of images, a folder of shards (`.tar`, and no images beside them), one shard, or the shards of a pattern:
    /// `photos-{000000..000011}.tar`.
    ///
    /// - Parameter window: for shards, among how many images an epoch mixes; see `Mixing`.
    /// - Throws: `UserError` where there is nothing of the kind, or no image in it.
    package static func open(_ path: String, window: Int = Mixing.defaultWindow) throws -> any ImageCollection {
        if let shards = try ShardNames.of(path) { return try ImageShards(root: path, shards: shards, window: window) }
        return try ImageFolder(root: path)
    }
}

extension ImageFolder: ImageCollection {
    /// Every image may follow every other.
    package var mixing: Mixing { Mixing(images: count) }

    package func read(
        _ index: Int, channels: Int, pixelLimit: Int
    ) throws(ImageProblem) -> (pixels: Pixels, info: ImageInfo) {
        try ImageFile.read(path: path(of: index), channels: channels, pixelLimit: pixelLimit)
    }
}
