import Foundation
import SelfPatchEvaluation
import SelfPatchTensors
import Testing

@Suite struct NearestNeighborTests {
    /// Vectors that lie about one centre a class, in an order that mixes the classes.
    private func clustered(_ count: Int, classes: Int, width: Int, seed: UInt64) -> (Tensor, [Int]) {
        var generator = KeyedGenerator(seed)
        var values: [Float] = []
        let labels = (0..<count).map { _ in Int(generator.uniform() * Double(classes)) }
        for label in labels {
            for place in 0..<width {
                values.append(Float(generator.uniform(-1, 1)) + (place % classes == label ? 0.7 : 0))
            }
        }
        return (Tensor(values, shape: [count, width]), labels)
    }

    /// The definition, written down a second time without blocks, heaps or threads.
    private func plainNeighbors(_ queries: Tensor, _ bank: Tensor, count: Int) -> [[Int32]] {
        let products = queries.normalized().matmul(bank.normalized().transposed(0, 1)).floats()
        let width = bank.shape[0]
        return (0..<queries.shape[0]).map { query in
            let row = products[query * width..<(query + 1) * width]
            let order = row.indices.sorted { row[$0] != row[$1] ? row[$0] > row[$1] : $0 < $1 }
            return order.prefix(count).map { Int32($0 - row.startIndex) }
        }
    }

    @Test(arguments: [(1, 1), (1, 7), (3, 5), (50, 64), (64, 64), (200, 30)])
    func blocksFindWhatTheDefinitionFinds(count: Int, block: Int) {
        let (bank, _) = clustered(200, classes: 4, width: 16, seed: 1)
        let (queries, _) = clustered(37, classes: 4, width: 16, seed: 2)
        let search = NeighborSearch(bank: bank, bankBlock: block, queryBlock: 10)
        let found = search.nearest(to: queries, count: count)
        let expected = plainNeighbors(queries, bank, count: count)
        var different = 0
        for query in 0..<37 {
            let row = Array(found.indices[query * count..<(query + 1) * count])
            // Products of other shapes may round otherwise, so that near-ties change places.
            if row != expected[query] { different += 1 }
            let values = found.similarities[query * count..<(query + 1) * count]
            #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 }, "nearest first")
            #expect(Set(row).count == count, "no vector twice")
        }
        #expect(different <= 1)
    }

    @Test func equallyNearVectorsComeInTheOrderOfTheBank() {
        // One-hot vectors: products are exactly 0 or 1.
        let kinds = [2, 0, 1, 0, 2, 0, 1, 0, 0, 2]
        let bank = Tensor(
            kinds.flatMap { kind in (0..<3).map { $0 == kind ? Float(1) : 0 } }, shape: [kinds.count, 3])
        let query = Tensor([Float(5), 0, 0], shape: [1, 3])
        for block in 1...11 {
            for picksOnDevice in [false, true] {
                var search = NeighborSearch(bank: bank, bankBlock: block)
                search.picksOnDevice = picksOnDevice
                let found = search.nearest(to: query, count: 8)
                #expect(found.indices == [1, 3, 5, 7, 8, 0, 2, 4], "blocks of \(block)")
                #expect(found.similarities == [1, 1, 1, 1, 1, 0, 0, 0])
            }
        }
    }

    /// Few different vectors, so that most are as near as many others, and some that point away.
    @Test(arguments: [1, 3, 20, 64, 150], [7, 64, 150, 1000])
    func whatIsPickedDoesNotDependOnWhere(count: Int, block: Int) {
        var generator = KeyedGenerator(11)
        func drawn(_ count: Int) -> Tensor {
            let signs = (0..<4 * count).map { _ in Float(Int(generator.uniform() * 3) - 1) }
            return Tensor(signs, shape: [count, 4])
        }
        let (bank, queries) = (drawn(150), drawn(23))
        var search = NeighborSearch(bank: bank, bankBlock: block, queryBlock: 10)
        let here = search.nearest(to: queries, count: count)
        search.picksOnDevice = true
        let there = search.nearest(to: queries, count: count)
        #expect(Set(here.similarities).count < 40)
        #expect(there.indices == here.indices)
        #expect(there.similarities == here.similarities)
    }

    @Test func lengthsOfVectorsDoNotMatter() {
        let (bank, labels) = clustered(150, classes: 5, width: 20, seed: 3)
        let (queries, truth) = clustered(40, classes: 5, width: 20, seed: 4)
        let plain = NearestNeighbors(bank: bank, labels: labels, classCount: 5).scores(of: queries, truth: truth)
        // Powers of two change no other digit.
        let scaled = NearestNeighbors(bank: bank * 4, labels: labels, classCount: 5)
            .scores(of: queries * 0.25, truth: truth)
        #expect(plain == scaled)
        #expect(plain.map(\.neighborCount) == [10, 20, 100, 200])
        #expect(plain[3].usedCount == 150, "k above the bank lets all vote")
        #expect(plain[1].top1 > 40, "clustered classes are found: \(plain[1].top1)")
    }

    @Test func orderOfTheBankDoesNotMatterWithoutTies() {
        let (bank, labels) = clustered(120, classes: 3, width: 12, seed: 5)
        let (queries, truth) = clustered(30, classes: 3, width: 12, seed: 6)
        var generator = KeyedGenerator(9)
        let order = Array(0..<120).shuffled(using: &generator)
        let shuffled = bank.rows(Tensor(order, shape: [120]))
        let before = NearestNeighbors(bank: bank, labels: labels, classCount: 3)
            .scores(of: queries, truth: truth, neighborCounts: [1, 5, 30])
        let after = NearestNeighbors(bank: shuffled, labels: order.map { labels[$0] }, classCount: 3)
            .scores(of: queries, truth: truth, neighborCounts: [1, 5, 30])
        #expect(before == after)
    }

    @Test func scoresKeepTheOrderOfTheirCounts() {
        let (bank, labels) = clustered(60, classes: 3, width: 12, seed: 7)
        let (queries, truth) = clustered(30, classes: 3, width: 12, seed: 8)
        let classifier = NearestNeighbors(bank: bank, labels: labels, classCount: 3)
        let up = classifier.scores(of: queries, truth: truth, neighborCounts: [1, 7, 20])
        let down = classifier.scores(of: queries, truth: truth, neighborCounts: [20, 7, 1])
        #expect(up == down.reversed())
        #expect(up.allSatisfy { $0.top5 >= $0.top1 && $0.predictions.count == 30 })
    }

    @Test func aBankScoredOnItselfWithOneNeighborIsAlwaysRight() {
        let (bank, labels) = clustered(90, classes: 6, width: 24, seed: 10)
        let score = NearestNeighbors(bank: bank, labels: labels, classCount: 6)
            .scores(of: bank, truth: labels, neighborCounts: [1])[0]
        #expect(score.top1 == 100)
        #expect(score.predictions == labels)
    }
}
