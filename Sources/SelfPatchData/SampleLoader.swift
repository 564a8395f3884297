import Foundation

/// Gives the samples of a supervised run step by step, made ahead of time by worker threads: an image's crop with its class,
/// or with the crop of its label map.
///
/// As with `ViewLoader`, what comes out depends on the source, the seed and the step alone.
package final class SampleLoader<Sample: Sendable> {
    private let work: SampleWork<Slot>
    private var step: Int

    /// Time that `nextBatch()` has spent waiting for workers, over the loader's life.
    package private(set) var waited = Duration.zero

    /// Starts the workers.
    ///
    /// - Parameters:
    ///   - batches: how the samples are parted into steps; each step in one part.
    ///   - workers: threads, at least 1; 0 takes one for each processor but one.
    ///   - step: the first step, counted from 0 through the run.
    ///   - make: turns the content of sample `index` into what is trained on. The key decides all that is random; it is that of
    ///     the sample that was drawn, which is another one than `index` where that could not be read.
    package init<Content>(
        source: SampleSource<Content>, batches: MicroBatches, workers: Int = 0, step: Int = 0,
        make: @escaping @Sendable (_ content: Content, _ index: Int, _ key: SampleKey, _ scratch: ViewScratch) -> Sample
    ) {
        precondition(step >= 0 && batches.parts == 1, "step \(step) in \(batches.parts) parts")
        let workers = workers > 0 ? workers : max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        self.step = step
        work = SampleWork(
            source: source, batches: batches, depth: 2, first: step, slot: { Slot() },
            fill: { index, key, slot, place, scratch in
                let sample = make(try source.read(index), index, key, scratch)
                slot.samples.withLock { $0[place] = sample }
            })
        work.start(workers: workers)
    }

    deinit {
        stop()
    }

    /// The samples of the next step, with their names; waits until they are there.
    ///
    /// - Throws: what the source's `skip` threw, at the step that it concerns and ever after.
    package func nextBatch() throws -> (samples: [Sample], names: [String]) {
        let start = ContinuousClock.now
        let slot = try work.take(step)
        waited += ContinuousClock.now - start
        let batch = (samples: slot.samples.withLock { $0.compactMap { $0 } }, names: slot.names)
        work.giveBack()
        step += 1
        return batch
    }

    /// Ends the workers and waits for them; each finishes the sample in hand. `nextBatch()` may not be called after.
    package func stop() {
        work.stop()
    }

    /// Several workers write to one array, each to places of its own: the lock is for the array.
    final class Slot: SampleSlot {
        let samples = Guarded<[Sample?]>([])
        var missing = 0
        var names: [String] = []

        func open(samples count: Int) {
            samples.withLock { $0 = [Sample?](repeating: nil, count: count) }
            missing = count
            names = [String](repeating: "", count: count)
        }

        func close() {}
    }
}

/// A value that one thread at a time may touch.
final class Guarded<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}
