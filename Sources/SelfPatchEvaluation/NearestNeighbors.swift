import Foundation
import SelfPatchTensors

/// Weighted k-NN on image features, as DINO scores them.
///
/// All vectors are normalised to length 1. Of a query the k nearest training vectors vote for their class, each with
/// exp(s / temperature), s being the cosine; classes are ranked by the sums of their votes. What that leaves open is fixed
/// here: equally near vectors in the order of the training set, equal sums in the order of the class numbers. Where k is
/// above the number of training vectors all of them vote, and the score says so.
///
/// Source: Wu et al. 2018 (arXiv 1805.01978) as evaluated by DINO (Caron et al. 2021, arXiv 2104.14294).
package struct NearestNeighbors {
    /// The numbers of neighbours that DINO reports.
    package static let defaultNeighborCounts = [10, 20, 100, 200]

    /// The result for one number of neighbours.
    package struct Score: Codable, Equatable, Sendable {
        /// The k that was asked for.
        package let neighborCount: Int
        /// The k that was used: lower where the training set has fewer vectors.
        package let usedCount: Int
        /// Share of the queries whose class came first, in per cent.
        package let top1: Double
        /// Share of the queries whose class was among the first five, or the first k where k is below five, in per cent.
        package let top5: Double
        /// The first class of each query.
        package let predictions: [Int]
    }

    private let search: NeighborSearch
    private let labels: [Int]
    private let classCount: Int
    private let temperature: Double

    /// - Parameters:
    ///   - bank: `[vectors, width]`, finite.
    ///   - labels: the class of each vector, `0 ..< classCount`.
    package init(bank: Tensor, labels: [Int], classCount: Int, temperature: Double = 0.07) {
        self.init(search: NeighborSearch(bank: bank), labels: labels, classCount: classCount, temperature: temperature)
    }

    package init(search: NeighborSearch, labels: [Int], classCount: Int, temperature: Double) {
        precondition(labels.count == search.bankCount, "\(labels.count) labels for \(search.bankCount) vectors")
        precondition(labels.allSatisfy { 0..<classCount ~= $0 }, "labels outside of \(classCount) classes")
        precondition(temperature > 0, "temperature \(temperature)")
        self.search = search
        self.labels = labels
        self.classCount = classCount
        self.temperature = temperature
    }

    /// Ranks the classes of each query and compares with the truth.
    ///
    /// - Parameters:
    ///   - queries: `[queries, width]`, at least one, finite.
    ///   - truth: the class of each query.
    ///   - neighborCounts: each k to score, at least 1; a score for each comes back in the same order.
    package func scores(
        of queries: Tensor, truth: [Int], neighborCounts: [Int] = NearestNeighbors.defaultNeighborCounts
    ) -> [Score] {
        precondition(queries.shape[0] == truth.count && !truth.isEmpty, "\(truth.count) labels for \(queries.shape)")
        precondition(neighborCounts.allSatisfy { $0 > 0 } && !neighborCounts.isEmpty, "k of \(neighborCounts)")
        let used = neighborCounts.map { min($0, search.bankCount) }
        let neighbors = search.nearest(to: queries, count: used.max()!)
        var tallies = used.map { Tally(usedCount: $0) }
        for query in truth.indices {
            let row = query * neighbors.count
            var votes = [Double](repeating: 0, count: classCount)
            var voted = 0
            for place in used.indices.sorted(by: { used[$0] < used[$1] }) {
                while voted < used[place] {
                    let similarity = Double(neighbors.similarities[row + voted])
                    votes[labels[Int(neighbors.indices[row + voted])]] += exp(similarity / temperature)
                    voted += 1
                }
                tallies[place].add(votes, truth: truth[query])
            }
        }
        return zip(neighborCounts, tallies).map { $1.score(neighborCount: $0) }
    }

    private struct Tally {
        let usedCount: Int
        var first = 0
        var firstFive = 0
        var predictions: [Int] = []

        init(usedCount: Int) { self.usedCount = usedCount }

        mutating func add(_ votes: [Double], truth: Int) {
            var best = 0
            var ahead = 0
            for (number, vote) in votes.enumerated() {
                if vote > votes[best] { best = number }
                if vote > votes[truth] || (vote == votes[truth] && number < truth) { ahead += 1 }
            }
            predictions.append(best)
            first += best == truth ? 1 : 0
            firstFive += ahead < min(5, usedCount) ? 1 : 0
        }

        func score(neighborCount: Int) -> Score {
            let queries = Double(predictions.count)
            return Score(
                neighborCount: neighborCount, usedCount: usedCount, top1: 100 * Double(first) / queries,
                top5: 100 * Double(firstFive) / queries, predictions: predictions)
        }
    }
}
