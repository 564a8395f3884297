import SelfPatchData
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// The features that a step of a linear probe is trained on: of crops, new each time, or of middles, taken once.
enum TrainingFeatures {
    case fresh(CropFeatures)
    case cached(CachedFeatures)

    /// Of one step, on the network's device, with a class each.
    typealias Batch = (summary: Tensor, meanPatch: Tensor, labels: [Int])

    func next(_ clock: RunClock) throws -> Batch {
        switch self {
        case .fresh(let crops): try crops.next(clock)
        case .cached(let features): features.next()
        }
    }
}

/// Random crops of the images in an order that each epoch draws anew, through the network.
final class CropFeatures {
    private struct Sample: Sendable {
        let planes: [UInt8]
        let label: Int
    }

    private let extractor: FeatureExtractor
    private let loader: SampleLoader<Sample>

    init(
        _ extractor: FeatureExtractor, _ images: SampleSource<Pixels>, labels: @escaping @Sendable (Int) -> Int,
        order: MicroBatches, workers: Int, step: Int
    ) {
        self.extractor = extractor
        let view = RandomCropView(extractor.view.size)
        loader = SampleLoader(source: images, batches: order, workers: workers, step: step) {
            Sample(planes: view.planes(of: $0, key: $2, scratch: $3), label: labels($1))
        }
    }

    func next(_ clock: RunClock) throws -> TrainingFeatures.Batch {
        let waited = loader.waited
        let samples = try loader.nextBatch().samples
        clock.waited(loader.waited - waited)
        // The network takes as many images at a time as it does elsewhere: a step may have more than memory holds.
        let parts = stride(from: 0, to: samples.count, by: extractor.batchSize).map { start in
            let part = samples[start..<min(start + extractor.batchSize, samples.count)]
            return extractor.features(ofPlanes: part.map(\.planes))
        }
        return (
            .concatenated(parts.map(\.summary)), .concatenated(parts.map(\.meanPatch)), samples.map(\.label)
        )
    }
}

/// Features of every image, in the host's memory, handed out in the same order as crops would be.
final class CachedFeatures {
    private let features: FeatureExtractor.ImageFeatures
    private let labels: [Int]
    /// The place among the features of each image; nil for those that could not be read.
    private let places: [Int?]
    private let order: MicroBatches
    private let device: Device
    private var step: Int
    private var epoch: (number: Int, places: [UInt32])?

    /// - Parameter device: where they are handed out.
    init(
        _ features: FeatureExtractor.ImageFeatures, labels: (Int) -> Int, order: MicroBatches, device: Device, step: Int
    ) {
        self.features = features
        self.labels = features.indices.map(labels)
        var places = [Int?](repeating: nil, count: order.images)
        for (place, index) in features.indices.enumerated() { places[index] = place }
        self.places = places
        self.order = order
        self.device = device
        self.step = step
    }

    func next() -> TrainingFeatures.Batch {
        let number = order.epoch(ofStep: step)
        if epoch?.number != number {
            epoch = (number, order.mixing.order(seed: order.seed, epoch: number))
        }
        let first = (step - number * order.stepsPerEpoch) * order.batch
        let chosen = (epoch?.places[first..<first + order.batch] ?? []).map { index -> Int in
            // An image that cannot be read is replaced by the next that can.
            var index = Int(index)
            while places[index] == nil { index = (index + 1) % places.count }
            return places[index] ?? 0
        }
        step += 1
        let rows = Tensor(chosen, shape: [chosen.count])
        return (
            features.summary.rows(rows).moved(to: device), features.meanPatch.rows(rows).moved(to: device),
            chosen.map { labels[$0] }
        )
    }
}
