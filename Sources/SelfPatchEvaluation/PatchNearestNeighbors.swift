import Foundation
import SelfPatchTensors

/// Labels patches by their nearest labelled patches: what patch features are worth, without training anything.
///
/// A memory bank holds features of labelled patches with the shares of the classes below each. A query takes its
/// `neighborCount` nearest by cosine; their shares, weighted by exp(s / temperature), add up to its scores. It is the
/// patches' k-NN classifier with soft labels.
public struct PatchNearestNeighbors {
    public struct Settings: Codable, Equatable, Sendable {
        /// Patches that vote; all where the bank holds fewer.
        public var neighborCount = 20
        public var temperature = 0.07
        /// Patches that are kept in the bank.
        public var bankSize = 20_000
        /// Chooses the patches that are kept where there are more.
        public var seed: UInt64 = 0

        public init() {}
    }

    private let search: NeighborSearch
    private let labels: PatchLabels
    private let settings: Settings

    public var bankCount: Int { search.bankCount }

    /// - Parameter bank: at least one labelled patch.
    public init(bank: PatchBank, settings: Settings) {
        precondition(bank.count > 0, "an empty bank of patches")
        search = NeighborSearch(bank: bank.features)
        labels = bank.labels
        self.settings = settings
    }

    /// The share of each class that the neighbours give to each query: `[queries, classes]`, rows add up to 1.
    ///
    /// - Parameter queries: `[queries, width]`, finite.
    public func shares(of queries: Tensor) -> PatchLabels {
        let neighbors = search.nearest(to: queries, count: min(settings.neighborCount, bankCount))
        let classCount = labels.classCount
        let queryCount = queries.shape[0]
        var result = [Float](repeating: 0, count: queryCount * classCount)
        for query in 0..<queryCount {
            var votes = [Double](repeating: 0, count: classCount)
            var sum = 0.0
            for place in query * neighbors.count..<(query + 1) * neighbors.count {
                let weight = exp(Double(neighbors.similarities[place]) / settings.temperature)
                let row = Int(neighbors.indices[place]) * classCount
                sum += weight
                for number in 0..<classCount { votes[number] += weight * Double(labels.shares[row + number]) }
            }
            for number in 0..<classCount { result[query * classCount + number] = Float(votes[number] / sum) }
        }
        return PatchLabels(classCount: classCount, shares: result)
    }

    /// Labels each query with its largest share and compares with the class that most pixels of the patch have; patches
    /// without a label do not count.
    public func score(of queries: Tensor, truth: PatchLabels) -> PatchScore {
        let predicted = shares(of: queries)
        precondition(truth.count == predicted.count, "\(truth.count) labels for \(predicted.count) patches")
        precondition(truth.classCount == predicted.classCount, "\(truth.classCount) and \(predicted.classCount) classes")
        var score = PatchScore(classCount: truth.classCount)
        for patch in 0..<truth.count {
            guard let label = truth.majority(of: patch), let guess = predicted.majority(of: patch) else { continue }
            score.add(truth: label, predicted: guess)
        }
        return score
    }
}

/// Labelled patches in memory, gathered image by image.
public struct PatchBank {
    /// `[patches, width]`.
    public let features: Tensor
    public let labels: PatchLabels

    public var count: Int { labels.count }

    /// Keeps patches of several images, evenly from all of them, up to `settings.bankSize`; patches without a label are
    /// left out.
    ///
    /// - Parameters:
    ///   - images: `[patches, width]` of each image, with the labels of its patches.
    ///   - imageCount: how many images there are.
    /// - Returns: nil where no patch has a label.
    public static func gathered<Images: Sequence>(
        from images: Images, imageCount: Int, settings: PatchNearestNeighbors.Settings
    ) -> PatchBank? where Images.Element == (features: Tensor, labels: PatchLabels) {
        var kept: [Tensor] = []
        var shares: [Float] = []
        var classCount = 1
        var total = 0
        for (index, image) in images.enumerated() {
            // What is left of the bank is divided among the images that are left.
            let quota = (settings.bankSize - total + (imageCount - index) - 1) / max(imageCount - index, 1)
            var places = (0..<image.labels.count).filter { image.labels.majority(of: $0) != nil }
            if places.count > quota {
                var generator = KeyedGenerator(settings.seed, 0xBA2C, UInt64(index))
                places.shuffle(using: &generator)
                places = places.prefix(max(quota, 0)).sorted()
            }
            guard !places.isEmpty else { continue }
            classCount = image.labels.classCount
            kept.append(image.features.rows(Tensor.from(places, shape: [places.count])).moved(to: .cpu))
            for place in places { shares += image.labels.shares[place * classCount..<(place + 1) * classCount] }
            total += places.count
        }
        guard !kept.isEmpty else { return nil }
        return PatchBank(
            features: Tensor.concatenated(kept), labels: PatchLabels(classCount: classCount, shares: shares))
    }

    public init(features: Tensor, labels: PatchLabels) {
        precondition(features.shape[0] == labels.count, "\(labels.count) labels for \(features.shape)")
        self.features = features
        self.labels = labels
    }
}
