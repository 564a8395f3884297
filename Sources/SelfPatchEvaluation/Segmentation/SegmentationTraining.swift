import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// Trains a segmentation head, and the backbone with it unless that is frozen.
///
/// Source: the authors' segmentation configuration and XCiT's, on mmsegmentation.
package final class SegmentationTraining: TrainingRun {
    package let settings: SegmentationSettings
    package let classes: ClassList
    package let segmenter: Segmenter
    package private(set) var done: Int
    package let stepCount: Int
    package let clock: RunClock
    package let machine: Checkpoint.Machine
    let validation: SampleSource<LabelledImage>
    private let training: SampleSource<LabelledImage>
    private let normalization: ViewNormalization
    private let precision: Precision
    private let batches: MicroBatches
    private let optimizer: AdamW
    private let loader: SampleLoader<SegmentationCrop>
    private let folder: RunFolder
    private let log: RunLog
    private let show: (RunProgress) -> Void
    private let showScoring: (Int, Int) -> Void

    /// Prepares a run, from its beginning or from a checkpoint.
    ///
    /// - Parameters:
    ///   - settings: valid ones, for this network too.
    ///   - network: will be changed unless it is frozen.
    ///   - classes: as many as the label maps hold.
    ///   - show: is handed the state of things after every step.
    ///   - showScoring: is told how many images are scored, of how many.
    package init(
        _ settings: SegmentationSettings, network: Network, normalization: ViewNormalization,
        training: SampleSource<LabelledImage>, validation: SampleSource<LabelledImage>, classes: ClassList,
        in folder: RunFolder, from checkpoint: Checkpoint?, log: RunLog, deadline: ContinuousClock.Instant? = nil,
        show: @escaping (RunProgress) -> Void = { _ in }, showScoring: @escaping (Int, Int) -> Void = { _, _ in }
    ) throws {
        self.settings = settings
        self.classes = classes
        self.training = training
        self.validation = validation
        self.normalization = normalization
        self.folder = folder
        self.log = log
        self.show = show
        self.showScoring = showScoring
        precision = settings.precision.resolved(on: network.device)
        machine = Checkpoint.Machine(device: network.device, precision: precision)
        batches = try MicroBatches(images: training.count, batch: settings.batchSize, seed: settings.seed)
        stepCount = settings.length.steps(stepsPerEpoch: batches.stepsPerEpoch, runLength: 0)
        guard stepCount > 0 else {
            throw UserError("length is \(settings.length), which makes no step. Give at least '1 steps'.", kind: .usage)
        }
        segmenter = Segmenter(network, settings.model, classCount: classes.count, seed: settings.seed)
        optimizer = AdamW(
            ParameterGroups(segmenter, layerDecay: settings.optimizer.layerDecay), beta1: settings.optimizer.beta1,
            beta2: settings.optimizer.beta2, epsilon: settings.optimizer.epsilon)
        for parameter in optimizer.groups.trained { parameter.tensor.requiresGradient = true }
        done = checkpoint?.state.step ?? 0
        clock = RunClock(deadline: deadline)
        let view = SegmentationView(settings.views, mean: normalization.mean)
        loader = SampleLoader(source: training, batches: batches, workers: settings.data.workers, step: done) {
            sample, _, key, _ in view.crop(of: sample, key: key)
        }
        if let checkpoint {
            try checkpoint.restore(state)
            guard checkpoint.state.counters.count == optimizer.counters.count else {
                throw UserError("\(checkpoint.file.path) does not fit the run: it was made with another head.")
            }
            optimizer.restore(counters: checkpoint.state.counters)
        }
    }

    package var checkpointInterval: Int { interval(settings.run.checkpointEvery) }
    package var scoreInterval: Int { interval(settings.scoreEvery) }

    package func step() throws {
        let waited = loader.waited
        let (crops, names) = try loader.nextBatch()
        clock.waited(loader.waited - waited)
        let rate = settings.optimizer.rate(step: done, of: stepCount)
        let loss = self.loss(on: crops)
        loss.backward()
        let value = loss.item()
        guard value.isFinite else { throw UserError(try explanation(of: value, names: names, rate)) }
        optimizer.update(rate: rate, decay: settings.optimizer.weightDecay)
        for parameter in optimizer.groups.trained { parameter.tensor.gradient = nil }
        done += 1
        try record(value, rate)
    }

    private func loss(on crops: [SegmentationCrop]) -> Tensor {
        let device = segmenter.network.device
        let size = settings.views.crop
        let bytes = Tensor(
            crops.flatMap(\.planes), shape: [crops.count, normalization.mean.count, size.height, size.width])
        let numbers = crops.flatMap(\.labels)
        let labels = Tensor(numbers, shape: [crops.count, size.height, size.width])
        let labelled = numbers.reduce(0) { $0 + ($1 == LabelNumbering.none ? 0 : 1) }
        return precision.run(on: device) {
            segmenter.loss(
                normalization(bytes.moved(to: device)), labels.moved(to: device).cast(to: .int64),
                labelledShare: Double(labelled) / Double(numbers.count),
                .training(seed: settings.seed, step: done))
        }
    }

    private func record(_ loss: Double, _ rate: Double) throws {
        clock.finishStep()
        let epoch = (done - 1) / batches.stepsPerEpoch + 1
        try log.record(
            step: done, [Metric("epoch", Double(epoch)), Metric("loss", loss), Metric("learningRate", rate)])
        try log.recordSpeed(step: done, [Metric("seconds", clock.lastStep), Metric("dataWait", clock.lastWait)])
        let progress = RunProgress(
            step: done, stepCount: stepCount, epoch: epoch, epochCount: (stepCount - 1) / batches.stepsPerEpoch + 1,
            losses: [Metric("loss", loss)], learningRate: rate,
            imagesPerSecond: Double(settings.batchSize) / clock.secondsPerStep,
            secondsLeft: clock.secondsPerStep * Double(stepCount - done), dataWaitShare: clock.waitShare)
        if done % settings.run.logEvery == 0 || done == stepCount || done == 1 {
            try log.note(progress.line, .progress)
        }
        show(progress)
    }

    package func score() throws {
        guard done < stepCount else { return }  // The report scores the end.
        try clock.withoutCounting {
            let matrix = try confusion()
            let figures = [
                Metric("mIoU", 100 * (matrix.meanIntersectionOverUnion ?? 0)),
                Metric("mAcc", 100 * (matrix.meanAccuracy ?? 0)), Metric("aAcc", 100 * (matrix.accuracy ?? 0)),
            ]
            try log.record(step: done, figures)
            let words = figures.map { "\($0.name) \(String(format: "%.2f", $0.value)) %" }.joined(separator: ", ")
            try log.note("After \(done) steps: \(words)")
        }
    }

    package func save() throws {
        try log.synchronize()
        try Checkpoint.save(
            state,
            Checkpoint.State(
                step: done, counters: optimizer.counters, images: training.count, imageNames: training.namesChecksum,
                machine: machine),
            metadata: ["format": "selfpatch segmentation run 1"], in: folder, keeping: settings.run,
            interval: checkpointInterval)
    }

    // MARK: Using it

    /// Predictions at the images' own size.
    package var inference: SegmentationInference {
        SegmentationInference(
            segmenter, settings.inference, views: settings.views, normalization: normalization, precision: precision)
    }

    /// Counts truth against prediction over the validation images, at the labels' own size.
    package func confusion() throws -> ConfusionMatrix {
        try inference.confusion(over: validation) { showScoring($0, validation.count) }
    }

    /// Writes backbone and head to one file: see ``TrainedSegmenter``.
    package func write(to path: String) throws {
        let crop = settings.views.crop
        let description = WeightsDescription(
            architecture: segmenter.network.architecture, heads: nil, hasPatchHead: false, mean: normalization.mean,
            deviation: normalization.deviation, viewSize: [crop.height, crop.width], steps: done)
        try TrainedSegmenter.write(segmenter, description, classes: classes, settings: settings, to: path)
    }

    private func explanation(of loss: Double, names: [String], _ rate: Double) throws -> String {
        let saved = try folder.checkpoints().first.map {
            "The last good state, after \($0.step) steps, is in \($0.path)."
        }
        return "The loss of step \(done + 1) is \(loss), no number; nothing was changed by it, and the run stops. "
            + (saved ?? "No checkpoint had been saved before.")
            + " To try, in a new run: a lower optimizer.learningRate (it was \(rate) here), a longer optimizer.warmupSteps"
            + (precision == .bf16 ? ", precision float32" : "") + ". The images of this step: "
            + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "") + "."
    }

    private func interval(_ span: Span) -> Int {
        span.steps(stepsPerEpoch: batches.stepsPerEpoch, runLength: stepCount)
    }

    /// What is trained, running statistics, and moments; a frozen backbone is read from its own file again.
    private var state: [NamedTensor] { segmenter.parameters + segmenter.buffers + optimizer.state }
}

extension ParameterGroups {
    /// Those of a segmentation run: norms, position table and class token do not decay; with a layer decay d below 1 a block's
    /// rate is d to the number of blocks above it, the embedding's below that of the first block.
    ///
    /// Source: `paramwise_cfg` of the authors' configuration; BEiT's layer-wise decay.
    package init(_ segmenter: Segmenter, layerDecay: Double) {
        let top = segmenter.network.architecture.depth + 1
        func layer(_ name: String) -> Int {
            let parts = name.split(separator: ".")
            guard parts.first == "backbone" else { return top }
            guard parts.count > 2, parts[1] == "blocks", let block = Int(parts[2]) else { return 0 }
            return block + 1
        }
        let still = ["norm", "pos_embed", "cls_token", "reg_token"]
        self.init(
            segmenter.parameters, decays: { named in !still.contains { named.name.contains($0) } },
            rateShare: { pow(layerDecay, Double(top - layer($0.name))) })
    }
}
