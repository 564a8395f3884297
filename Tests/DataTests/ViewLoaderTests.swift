import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchTensors
import Synchronization
import Testing

/// What the loader promises: the same batches however they are made, and an end without a hang.
@Suite(.timeLimit(.minutes(5))) struct ViewLoaderTests {
    struct Unreadable: Error, Equatable { let index: Int }

    static let settings: MultiCropSettings = {
        var settings = MultiCropSettings()
        settings.globalSize = ViewSize(height: 12, width: 16)
        settings.localSize = ViewSize(square: 7)
        settings.localCount = 3
        return settings
    }()

    static func image(_ index: Int) -> Pixels {
        ViewPropertyTests.image(height: 20 + index % 7, width: 30 - index % 5, seed: UInt64(index))
    }

    /// Images that take an uneven time to read.
    static func source(
        _ count: Int, broken: Set<Int> = [], slow: Bool = true,
        skip: @escaping @Sendable (Int, any Error) throws -> Void = { _, _ in }
    ) -> ImageSource {
        ImageSource(
            count: count, name: { "image \($0)" },
            read: { index in
                if slow { usleep(UInt32((index * 7919) % 400)) }
                if broken.contains(index) { throw Unreadable(index: index) }
                return image(index)
            }, skip: skip)
    }

    /// A micro-batch without its tensors, to compare.
    struct Content: Equatable {
        let names: [String]
        let samples: Range<Int>
        let globalViews: [UInt8]
        let localViews: [UInt8]?

        init(_ batch: ViewBatch) {
            names = batch.names
            samples = batch.samples
            globalViews = batch.globalViews.bytes()
            localViews = batch.localViews?.bytes()
        }
    }

    static func contents(
        _ count: Int, source: ImageSource = source(23), batch: Int = 5, parts: Int = 1, workers: Int = 2,
        depth: Int = 3,
        step: Int = 0, part: Int = 0
    ) throws -> [Content] {
        let batches = try MicroBatches(images: source.count, batch: batch, parts: parts, seed: 3)
        let loader = ViewLoader(
            source: source, settings: settings, batches: batches, workers: workers, depth: depth, step: step, part: part
        )
        defer { loader.stop() }
        return try (0..<count).map { _ in Content(try loader.nextBatch()) }
    }

    @Test func sameBatchesWhateverTheNumberOfWorkers() throws {
        let one = try Self.contents(14, workers: 1, depth: 1)
        for (workers, depth) in [(1, 4), (2, 1), (3, 2), (8, 5)] {
            #expect(try Self.contents(14, workers: workers, depth: depth) == one, "\(workers) workers, depth \(depth)")
        }
    }

    @Test func goesOnAnywhere() throws {
        // Five epochs of 4 steps with 2 micro-batches, the last 3 of the 23 images left out of each.
        let whole = try Self.contents(40, parts: 2)
        for (step, part) in [(0, 1), (1, 0), (3, 1), (4, 0), (7, 1), (11, 0), (15, 1)] {
            let first = step * 2 + part
            let rest = try Self.contents(40 - first, parts: 2, step: step, part: part)
            #expect(rest == Array(whole[first...]), "from step \(step), micro-batch \(part)")
        }
    }

    @Test func batchesHoldTheViewsOfTheirKeys() throws {
        let multiCrop = MultiCrop(Self.settings)
        let contents = try Self.contents(9)
        for (step, content) in contents.enumerated() {
            #expect(content.samples == 0..<5)
            let views = content.names.map { name in
                let index = Int(name.dropFirst(6)) ?? -1
                let key = SampleKey(seed: 3, epoch: step / 4, index: index)
                return multiCrop.views(of: Self.image(index), key: key)
            }
            #expect(content.globalViews == (0..<2).flatMap { view in views.flatMap { $0[view] } })
            #expect(content.localViews == (2..<5).flatMap { view in views.flatMap { $0[view] } })
        }
    }

    @Test func epochsVisitEachImageOnceInOrdersOfTheirOwn() throws {
        let names = try Self.contents(12).map(\.names)
        let epochs = (0..<3).map { epoch in names[epoch * 4..<(epoch + 1) * 4].flatMap { $0 } }
        for epoch in epochs { #expect(Set(epoch).count == 20) }
        #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2])
        #expect(epochs[0] != epochs[0].sorted())
    }

    @Test(arguments: [1, 2, 3, 5]) func microBatchesMakeUpTheBatch(parts: Int) throws {
        let whole = try Self.contents(3)
        let parted = try Self.contents(3 * parts, parts: parts)
        for step in 0..<3 {
            let pieces = parted[step * parts..<(step + 1) * parts]
            #expect(pieces.flatMap(\.samples) == Array(0..<5))
            #expect(pieces.flatMap(\.names) == whole[step].names)
            let bytes = 3 * 12 * 16
            let firstViews = pieces.flatMap { $0.globalViews.prefix($0.samples.count * bytes) }
            #expect(firstViews == Array(whole[step].globalViews.prefix(5 * bytes)))
        }
    }

    @Test func withoutLocalViewsThereIsNoTensorForThem() throws {
        var settings = Self.settings
        settings.localCount = 0
        let batches = try MicroBatches(images: 6, batch: 6, seed: 0)
        let loader = ViewLoader(source: Self.source(6), settings: settings, batches: batches, workers: 2)
        let batch = try loader.nextBatch()
        #expect(batch.localViews == nil)
        #expect(batch.globalViews.shape == [12, 3, 12, 16])
        #expect(batch.globalViews.elementType == .uint8)
    }

    @Test func unreadableImagesAreReplacedTheSameWayEachTime() throws {
        let broken: Set<Int> = [0, 3, 4, 11, 12, 13, 20]
        let told = Mutex<[Int]>([])
        let source = Self.source(23, broken: broken) { index, error in
            #expect(error as? Unreadable == Unreadable(index: index))
            told.withLock { $0.append(index) }
        }
        let one = try Self.contents(8, source: source, workers: 1)
        #expect(!told.withLock { $0 }.isEmpty)
        #expect(broken.isSuperset(of: told.withLock { $0 }))
        #expect(one.allSatisfy { $0.names.allSatisfy { name in !broken.contains { name == "image \($0)" } } })
        #expect(try Self.contents(8, source: source, workers: 4) == one)
    }

    @Test func oneUnreadableImageTooManyEndsTheRunAtItsBatch() throws {
        struct Enough: Error {}
        let whole = try Self.contents(4)
        // The last image of the third batch.
        let index = try #require(Int(whole[2].names[4].dropFirst(6)))
        for workers in [1, 2, 6] {
            let source = Self.source(23, broken: [index]) { _, _ in throw Enough() }
            let batches = try MicroBatches(images: 23, batch: 5, seed: 3)
            let loader = ViewLoader(
                source: source, settings: Self.settings, batches: batches, workers: workers, depth: 4)
            #expect(Content(try loader.nextBatch()) == whole[0])
            #expect(Content(try loader.nextBatch()) == whole[1])
            #expect(throws: Enough.self) { try loader.nextBatch() }
            #expect(throws: Enough.self) { try loader.nextBatch() }
        }
    }

    @Test func nothingReadableEndsTheRunToo() throws {
        let source = Self.source(23, broken: Set(0..<23), slow: false)
        #expect(throws: Unreadable.self) { try Self.contents(1, source: source) }
    }

    /// Stopped at every stage: before anything is made, while workers read, while they wait for the consumer.
    @Test func stopsAtAnyTime() throws {
        let batches = try MicroBatches(images: 23, batch: 5, parts: 2, seed: 3)
        for round in 0..<300 {
            let loader = ViewLoader(
                source: Self.source(23, slow: round.isMultiple(of: 2)), settings: Self.settings, batches: batches,
                workers: 1 + round % 5, depth: 1 + round % 3)
            for _ in 0..<round % 4 { _ = try loader.nextBatch() }
            if round % 7 == 0 { usleep(2000) }
            if round % 3 == 0 { loader.stop() }
            // Otherwise the loader's end stops it.
        }
    }

    @Test func waitingIsMeasured() throws {
        let source = ImageSource(
            count: 4, name: { "\($0)" },
            read: { index in
                usleep(100_000); return Self.image(index)
            }, skip: { _, _ in })
        let batches = try MicroBatches(images: 4, batch: 2, seed: 0)
        let loader = ViewLoader(source: source, settings: Self.settings, batches: batches, workers: 1, depth: 1)
        #expect(loader.waited == .zero)
        _ = try loader.nextBatch()
        #expect(loader.waited >= .milliseconds(30))
        usleep(700_000)
        let before = loader.waited
        _ = try loader.nextBatch()
        #expect(loader.waited - before < .milliseconds(100))
    }

    @Test(arguments: [(10, 11, 1), (10, 0, 1), (10, 4, 5), (0, 1, 1), (10, 4, 0)])
    func refusesBatchesThatCannotBe(counts: (images: Int, batch: Int, parts: Int)) throws {
        #expect(throws: UserError.self) {
            try MicroBatches(images: counts.images, batch: counts.batch, parts: counts.parts, seed: 0)
        }
    }

    @Test func ordersAreShuffledEvenly() throws {
        // Where image 0 comes first: over 4,000 seeds each of 8 places 500 times, within 5 deviations.
        var first = [Int](repeating: 0, count: 8)
        for seed in 0..<4_000 {
            let places = EpochOrder.places(count: 8, seed: UInt64(seed), epoch: seed % 3)
            #expect(places.sorted() == Array(0..<8))
            first[places.firstIndex(of: 0) ?? 0] += 1
        }
        #expect(first.allSatisfy { abs($0 - 500) < 105 }, "\(first)")
    }
}
