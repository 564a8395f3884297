import SelfPatchModel

/// Some images of a step's batch: a micro-batch, or the whole batch where nothing is accumulated.
package struct BatchPart {
    /// How many images.
    package let images: Int
    private let make: () -> [Views]

    /// All views, by size, the global ones first. They are made when they are asked for: a batch of many parts holds the floats of
    /// one part at a time.
    package var groups: [Views] {
        let groups = make()
        precondition(groups.first?.numbers == 0..<2, "the global views come first")
        return groups
    }

    package init(images: Int, groups: @escaping () -> [Views]) {
        self.images = images
        make = groups
    }

    /// Of views that are there already.
    package init(_ groups: [Views]) {
        self.init(images: groups.first?.samples.count ?? 0) { groups }
    }
}
