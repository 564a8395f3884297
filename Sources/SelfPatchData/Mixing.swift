import SelfPatchTensors

/// How the order of images is shuffled anew in every epoch.
///
/// A folder's images are mixed all with all. Those of shards are mixed as a reader with a buffer would do it, so that a disk or
/// a network is read from front to back: the shards come in a drawn order, as many of them as hold `window` images are taken
/// together, and the images of these are mixed all with all. Unlike a buffer's, this order is a function of the seed and the
/// epoch alone, so that a run goes on at any step without reading what was before.
package struct Mixing: Sendable, Equatable {
    /// Images in all.
    package var images: Int { shards.reduce(0, +) }
    /// Images in each shard, in the collection's order; a single one where all are mixed with all.
    package let shards: [Int]
    /// Images to be mixed with one another, at least.
    package let window: Int

    /// Half a gigabyte to a gigabyte of photographs, which the system's file cache holds.
    package static let defaultWindow = 5_000

    /// All images with all.
    package init(images: Int) {
        self.init(shards: [images], window: images)
    }

    /// - Parameters:
    ///   - shards: images in each shard.
    ///   - window: mix the images of so many shards that they have this number of images.
    package init(shards: [Int], window: Int) {
        precondition(!shards.contains { $0 < 0 }, "shards of \(shards) images")
        self.shards = shards
        self.window = window
    }

    /// The order in which an epoch visits the images: all places 0 ..< images.
    package func order(seed: UInt64, epoch: Int) -> [UInt32] {
        guard shards.count > 1 else { return EpochOrder.places(count: images, seed: seed, epoch: epoch) }
        var starts = [0]
        for count in shards { starts.append(starts[starts.count - 1] + count) }
        var order: [UInt32] = []
        order.reserveCapacity(images)
        var group: [UInt32] = []
        var generator = KeyedGenerator(Purpose.mixing.rawValue, seed, UInt64(epoch))
        for shard in EpochOrder.places(count: shards.count, seed: seed, epoch: epoch) {
            group.append(contentsOf: UInt32(starts[Int(shard)])..<UInt32(starts[Int(shard) + 1]))
            if group.count >= window {
                EpochOrder.shuffle(&group, &generator)
                order += group
                group.removeAll(keepingCapacity: true)
            }
        }
        EpochOrder.shuffle(&group, &generator)
        return order + group
    }
}
