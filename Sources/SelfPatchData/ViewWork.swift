import Foundation

/// What the threads of a `ViewLoader` share: who makes which view next, and what is ready.
///
/// Micro-batches are numbered through the whole run; number n is made in slot n mod depth. Workers claim images, not
/// micro-batches, in order, so that the next micro-batch is always the one that all work on. `lock` guards every
/// variable here; a slot's memory belongs to the worker that claimed the image, and, once all its images are there, to
/// the consumer.
final class ViewWork: @unchecked Sendable {
    let source: ImageSource
    let multiCrop: MultiCrop
    let batches: MicroBatches

    private let slots: [ViewSlot]
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

    init(source: ImageSource, multiCrop: MultiCrop, batches: MicroBatches, depth: Int, first: Int) {
        self.source = source
        self.multiCrop = multiCrop
        self.batches = batches
        claimed = (first, 0)
        taken = first
        slots = (0..<depth).map { _ in ViewSlot(images: batches.mostImages, settings: multiCrop.settings) }
        for number in first..<first + depth { slot(number).open(images: images(of: number)) }
    }

    // MARK: The consumer's side

    /// Waits until all images of a micro-batch are there.
    func take(_ number: Int) throws -> ViewSlot {
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
            slot(taken).open(images: images(of: taken + slots.count))
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
            thread.name = "views \(worker)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    private func work() {
        let scratch = ViewScratch()
        while let claim = claim() {
            do {
                let (index, image) = try readable(claim.key)
                claim.slot.write(image, place: claim.image, multiCrop: multiCrop, key: claim.key, scratch: scratch)
                let name = source.name(index)
                lock.withLock {
                    claim.slot.names[claim.image] = name
                    claim.slot.missing -= 1
                    if claim.slot.missing == 0 { lock.broadcast() }
                }
            } catch {
                fail(claim, error)
            }
        }
    }

    private struct Claim {
        let number: Int
        let image: Int
        let slot: ViewSlot
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

    /// The image of a key, or, where that cannot be read, the first of its replacements that can.
    private func readable(_ key: SampleKey) throws -> (index: Int, image: Pixels) {
        var index = key.index
        for attempt in 0... {
            do {
                return (index, try source.read(index))
            } catch {
                try source.skip(index, error)
                if attempt == Self.attempts {
                    throw (error as? ImageProblem)?.userError(file: source.name(index)) ?? error
                }
                index = key.replacement(attempt: attempt, count: source.count)
            }
        }
        preconditionFailure("the loop above ends by itself")
    }

    /// So many unreadable images in a row are more than bad luck, whatever `skip` allows.
    private static let attempts = 100

    private func fail(_ claim: Claim, _ error: any Error) {
        lock.withLock {
            // The first one in the run's order is reported, however the threads ran.
            if let failure, (failure.number, failure.image) <= (claim.number, claim.image) { return }
            failure = (claim.number, claim.image, error)
            lock.broadcast()
        }
    }

    // MARK: Numbers; the lock is held

    private func slot(_ number: Int) -> ViewSlot { slots[number % slots.count] }

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
        let order = EpochOrder.places(count: batches.images, seed: batches.seed, epoch: epoch)
        orders = [epoch: order]
        return order
    }
}
