import SelfPatchTensors

/// Labelled patches in memory.
package struct PatchBank {
    /// `[patches, width]`.
    package let features: Tensor
    package let labels: PatchLabels

    package var count: Int { labels.count }

    package init(features: Tensor, labels: PatchLabels) {
        precondition(features.shape[0] == labels.count, "\(labels.count) labels for \(features.shape)")
        self.features = features
        self.labels = labels
    }

    /// Gathers a bank image by image: evenly from all of them, up to the size set; patches without a label are left out.
    package struct Builder {
        private let imageCount: Int
        private let settings: PatchNearestNeighbors.Settings
        private var seen = 0
        private var kept: [Tensor] = []
        private var shares: [Float] = []
        private var classCount = 1
        private var total = 0

        /// - Parameter imageCount: how many images will be added.
        package init(imageCount: Int, settings: PatchNearestNeighbors.Settings) {
            self.imageCount = imageCount
            self.settings = settings
        }

        /// What has been gathered; nil where no patch had a label.
        package var bank: PatchBank? {
            guard !kept.isEmpty else { return nil }
            return PatchBank(
                features: Tensor.concatenated(kept), labels: PatchLabels(classCount: classCount, shares: shares))
        }

        /// - Parameter features: `[patches, width]` of one image.
        package mutating func add(features: Tensor, labels: PatchLabels) {
            precondition(seen < imageCount, "more than \(imageCount) images")
            precondition(features.shape[0] == labels.count, "\(labels.count) labels for \(features.shape)")
            // What is left of the bank is divided among the images that are left.
            let left = imageCount - seen
            let quota = max(settings.bankSize - total + left - 1, 0) / left
            var places = (0..<labels.count).filter { labels.majority(of: $0) != nil }
            if places.count > quota {
                var generator = KeyedGenerator(settings.seed, 0xBA2C, UInt64(seen))
                places.shuffle(using: &generator)
                places = places.prefix(quota).sorted()
            }
            seen += 1
            guard !places.isEmpty else { return }
            classCount = labels.classCount
            kept.append(features.rows(Tensor(places, shape: [places.count])).moved(to: .cpu))
            for place in places { shares += labels.shares[place * classCount..<(place + 1) * classCount] }
            total += places.count
        }
    }
}
