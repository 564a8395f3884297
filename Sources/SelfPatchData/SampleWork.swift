import Foundation

/// A slot of a loader: what a micro-batch becomes. Workers fill it, then the consumer reads it.
protocol SampleSlot: AnyObject, SendableMetatype {
    /// Samples that are not there yet; the slot is closed by whoever brings the last one, before it counts as there.
    var missing: Int { get set }
    var names: [String] { get set }
    /// Makes ready for another micro-batch.
    func open(samples: Int)
    /// What is left to do when all samples are there.
    func close() throws
}

/// What the threads of a loader share: who makes which sample next, and what is ready.
///
/// Micro-batches are numbered through the whole run; number n is made in slot n mod depth. Workers claim images, not
/// micro-batches, in order, so that the next micro-batch is always the one that all work on. `lock` guards every
/// variable here; a slot's memory belongs to the worker that claimed the image, and, once all its images are there, to
/// the consumer.
final class SampleWork<Slot: SampleSlot>: @unchecked Sendable {
    /// Reads a sample and writes what becomes of it to its place in a slot. The key's index is that of the sample that was
    /// drawn; where it could not be read, `index` is that of the one in its place.
    typealias Filling =
        @Sendable (
            _ index: Int, _ key: SampleKey, _ slot: Slot, _ place: Int, _ scratch: ViewScratch
        ) throws -> Void

    let batches: MicroBatches

    private let name: @Sendable (Int) -> String
    private let skip: @Sendable (Int, any Error) throws -> Void
    private let fill: Filling
    private let slots: [Slot]
    private let lock = NSCondition()
    /// The image to claim next: a micro-batch, and a place in it.
    private var claimed: (number: Int, image: Int)
    /// The micro-batch that the consumer takes next.
    private var taken: Int
    /// The orders of the epochs in work: at most the current one and the one before.
    private var orders: [Int: [UInt32]] = [:]
    private var failure: (number: Int, image: Int, error: any Error)?
    private var isStopped = false
    private var liveWorkers = 0

    /// - Parameters:
    ///   - depth: micro-batches ready or in the making at any time.
    ///   - first: the micro-batch to begin with.
    init<Content>(
        source: SampleSource<Content>, batches: MicroBatches, depth: Int, first: Int, slot makeSlot: () -> Slot,
        fill: @escaping Filling
    ) {
        precondition(
            source.count == batches.images, "\(source.count) samples in the source, \(batches.images) to part")
        name = source.name
        skip = source.skip
        self.batches = batches
        self.fill = fill
        claimed = (first, 0)
        taken = first
        slots = (0..<depth).map { _ in makeSlot() }
        for number in first..<first + depth { slot(number).open(samples: images(of: number)) }
    }

    // MARK: The consumer's side

    /// Waits until all images of a micro-batch are there.
    func take(_ number: Int) throws -> Slot {
        try lock.withLock {
            precondition(number == taken && !isStopped, "micro-batch \(number) of a loader that stands at \(taken)")
            let slot = slot(number)
            while slot.missing > 0 {
                if let failure, failure.number <= number { throw failure.error }
                lock.wait()
            }
            return slot
        }
    }

    /// Opens the slot last taken for another micro-batch.
    func giveBack() {
        lock.withLock {
            slot(taken).open(samples: images(of: taken + slots.count))
            taken += 1
            lock.broadcast()
        }
    }

    func stop() {
        lock.withLock {
            isStopped = true
            lock.broadcast()
            while liveWorkers > 0 { lock.wait() }
        }
    }

    // MARK: The workers' side

    func start(workers: Int) {
        lock.withLock { liveWorkers = workers }
        for worker in 0..<workers {
            // The threads hold this object and not the loader, whose end stops them.
            let thread = Thread { [self] in
                work()
                lock.withLock {
                    liveWorkers -= 1
                    lock.broadcast()
                }
            }
            thread.name = "samples \(worker)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    private func work() {
        let scratch = ViewScratch()
        while let claim = claim() {
            do {
                let name = name(try filled(claim, scratch))
                scratch.trim()
                let isLast = lock.withLock {
                    claim.slot.names[claim.image] = name
                    guard claim.slot.missing == 1 else {
                        claim.slot.missing -= 1
                        return false
                    }
                    return true
                }
                guard isLast else { continue }
                try claim.slot.close()
                lock.withLock {
                    claim.slot.missing = 0
                    lock.broadcast()
                }
            } catch {
                fail(claim, error)
            }
        }
    }

    private struct Claim {
        let number: Int
        let image: Int
        let slot: Slot
        let key: SampleKey
    }

    /// The next image to make; nil when there is nothing more to do.
    private func claim() -> Claim? {
        lock.withLock {
            while !isStopped, failure == nil {
                if claimed.number < taken + slots.count {
                    let (number, image) = claimed
                    claimed.image += 1
                    if claimed.image == images(of: number) { claimed = (number + 1, 0) }
                    return Claim(number: number, image: image, slot: slot(number), key: key(number, image))
                }
                lock.wait()
            }
            return nil
        }
    }

    /// Fills a place with the sample of its key, or, where that cannot be read, the first of its replacements that can.
    ///
    /// - Returns: the sample's number.
    private func filled(_ claim: Claim, _ scratch: ViewScratch) throws -> Int {
        var index = claim.key.index
        for attempt in 0... {
            do {
                try fill(index, claim.key, claim.slot, claim.image, scratch)
                return index
            } catch {
                try skip(index, error)
                // So many in a row are more than bad luck, whatever `skip` allows.
                if attempt == 100 { throw (error as? ImageProblem)?.userError(file: name(index)) ?? error }
                index = claim.key.replacement(attempt: attempt, count: batches.images)
            }
        }
        preconditionFailure("the loop above ends by itself")
    }

    private func fail(_ claim: Claim, _ error: any Error) {
        lock.withLock {
            // The first one in the run's order is reported, however the threads ran.
            if let failure, (failure.number, failure.image) <= (claim.number, claim.image) { return }
            failure = (claim.number, claim.image, error)
            lock.broadcast()
        }
    }

    // MARK: Numbers; the lock is held

    private func slot(_ number: Int) -> Slot { slots[number % slots.count] }

    private func images(of number: Int) -> Int { batches.samples(ofPart: number % batches.parts).count }

    private func key(_ number: Int, _ image: Int) -> SampleKey {
        let step = number / batches.parts
        let epoch = batches.epoch(ofStep: step)
        let sample = batches.samples(ofPart: number % batches.parts).lowerBound + image
        let place = (step - epoch * batches.stepsPerEpoch) * batches.batch + sample
        return SampleKey(seed: batches.seed, epoch: epoch, index: Int(order(epoch)[place]))
    }

    private func order(_ epoch: Int) -> [UInt32] {
        if let order = orders[epoch] { return order }
        let order = batches.mixing.order(seed: batches.seed, epoch: epoch)
        orders = [epoch: order]
        return order
    }
}
