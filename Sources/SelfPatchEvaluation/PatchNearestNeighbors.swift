import Foundation
import SelfPatchTensors

/// Labels patches by their nearest labelled patches: what patch features are worth, without training anything.
///
/// A memory bank holds features of labelled patches with the shares of the classes below each. A query takes its
/// `neighborCount` nearest by cosine; their shares, weighted by exp(s / temperature), add up to its scores. It is the
/// patches' k-NN classifier with soft labels.
package struct PatchNearestNeighbors {
    package struct Settings: Codable, Equatable, Sendable {
        /// Patches that vote; all where the bank holds fewer.
        package var neighborCount = 20
        package var temperature = 0.07
        /// Patches that are kept in the bank.
        package var bankSize = 20_000
        /// Chooses the patches that are kept where there are more.
        package var seed: UInt64 = 0

        package init() {}
    }

    private let search: NeighborSearch
    private let labels: PatchLabels
    private let settings: Settings

    package var bankCount: Int { search.bankCount }

    /// - Parameters:
    ///   - bank: at least one labelled patch.
    ///   - device: where neighbours are searched.
    package init(bank: PatchBank, settings: Settings, device: Device = .cpu) {
        precondition(bank.count > 0, "an empty bank of patches")
        search = NeighborSearch(bank: bank.features.moved(to: device))
        labels = bank.labels
        self.settings = settings
    }

    /// The share of each class that the neighbours give to each query: `[queries, classes]`, rows add up to 1.
    ///
    /// - Parameter queries: `[queries, width]`, finite.
    package func shares(of queries: Tensor) -> PatchLabels {
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
    package func score(of queries: Tensor, truth: PatchLabels) -> ConfusionMatrix {
        let predicted = shares(of: queries)
        precondition(truth.count == predicted.count, "\(truth.count) labels for \(predicted.count) patches")
        precondition(
            truth.classCount == predicted.classCount, "\(truth.classCount) and \(predicted.classCount) classes")
        var score = ConfusionMatrix(classCount: truth.classCount)
        for patch in 0..<truth.count {
            guard let label = truth.majority(of: patch), let guess = predicted.majority(of: patch) else { continue }
            score.add(truth: label, predicted: guess)
        }
        return score
    }
}
