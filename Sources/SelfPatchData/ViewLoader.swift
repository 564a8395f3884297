import Foundation
import SelfPatchTensors

/// Gives the micro-batches of a run in their order, made ahead of time by worker threads.
///
/// What comes out depends on the source, the settings, the seed and the step alone: any number of workers gives the
/// same bytes, and a loader that starts at a step gives what one that ran there gives. Memory is taken once: `depth`
/// micro-batches of views, and for each worker the image in hand.
package final class ViewLoader {
    private let work: SampleWork<ViewSlot>
    private var next: (step: Int, part: Int)

    /// Time that `nextBatch()` has spent waiting for workers, over the loader's life.
    package private(set) var waited = Duration.zero

    /// Starts the workers.
    ///
    /// - Parameters:
    ///   - source: the images.
    ///   - settings: valid ones; `source` gives images of `settings.channels` channels.
    ///   - batches: how the images are parted into steps and micro-batches.
    ///   - workers: threads, at least 1; 0 takes one for each processor but one.
    ///   - depth: micro-batches ready or in the making at any time, at least 1; by default those of a step and one more,
    ///     so that the next step's are made while one is under way.
    ///   - step: the first step, counted from 0 through the run.
    ///   - part: the first micro-batch of that step.
    ///   - device: where the views are wanted; they are on their way as soon as they are made.
    package init(
        source: ImageSource, settings: MultiCropSettings, batches: MicroBatches, workers: Int = 0, depth: Int? = nil,
        step: Int = 0, part: Int = 0, device: Device = .cpu
    ) {
        precondition(step >= 0 && (0..<batches.parts).contains(part), "step \(step), micro-batch \(part)")
        let depth = depth ?? batches.parts + 1
        precondition(depth > 0, "a depth of \(depth)")
        let workers = workers > 0 ? workers : max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        next = (step, part)
        let multiCrop = MultiCrop(settings)
        work = SampleWork(
            source: source, batches: batches, depth: depth, first: step * batches.parts + part,
            slot: { ViewSlot(images: batches.mostImages, settings: settings, device: device) },
            fill: { index, key, slot, place, scratch in
                let image = try source.read(index)
                slot.write(image, place: place, multiCrop: multiCrop, key: key, scratch: scratch)
            })
        work.start(workers: workers)
    }

    deinit {
        stop()
    }

    /// The next micro-batch; waits until it is there.
    ///
    /// - Throws: what the source's `skip` threw, at the micro-batch that it concerns and ever after.
    package func nextBatch() throws -> ViewBatch {
        let samples = work.batches.samples(ofPart: next.part)
        let start = ContinuousClock.now
        let slot = try work.take(next.step * work.batches.parts + next.part)
        waited += ContinuousClock.now - start
        // The views are copies, so that the worker's memory is free soon and the tensors live as long as they like.
        let batch = slot.batch(samples: samples)
        work.giveBack()
        next.part += 1
        if next.part == work.batches.parts { next = (next.step + 1, 0) }
        return batch
    }

    /// Ends the workers and waits for them; each finishes the image in hand. `nextBatch()` may not be called after.
    package func stop() {
        work.stop()
    }
}
