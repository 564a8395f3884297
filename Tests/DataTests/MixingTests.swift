import SelfPatchData
import Testing

/// The order of an epoch: everything once, and shards a few at a time.
@Suite struct MixingTests {
    @Test func everyImageComesOnceAndTheOrderIsTheKeys() {
        for mixing in [
            Mixing(images: 100), Mixing(shards: [30, 0, 50, 20], window: 40), Mixing(shards: [], window: 5),
        ] {
            let order = mixing.order(seed: 3, epoch: 2)
            #expect(order.sorted() == (0..<UInt32(mixing.images)).map { $0 })
            #expect(order == mixing.order(seed: 3, epoch: 2))
            if mixing.images > 0 {
                #expect(order != mixing.order(seed: 3, epoch: 3) && order != mixing.order(seed: 4, epoch: 2))
            }
        }
    }

    @Test func imagesOfAFewShardsAreMixedWithOneAnotherAlone() {
        let mixing = Mixing(shards: Array(repeating: 10, count: 12), window: 25)
        let order = mixing.order(seed: 1, epoch: 0)
        var seen: Set<UInt32> = []
        for start in stride(from: 0, to: 120, by: 30) {
            let shards = Set(order[start..<start + 30].map { $0 / 10 })
            #expect(shards.count == 3 && seen.isDisjoint(with: shards), "\(shards) after \(seen)")
            seen.formUnion(shards)
            // Mixed: the first ten are not all of one shard.
            #expect(Set(order[start..<start + 10].map { $0 / 10 }).count > 1)
        }
    }

    @Test func oneShardIsMixedAsAFolder() {
        #expect(
            Mixing(shards: [50], window: 10).order(seed: 9, epoch: 1) == Mixing(images: 50).order(seed: 9, epoch: 1))
    }
}
