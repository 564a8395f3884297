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
    let validation: SampleSource<LabelledImage>
    private let normalization: ViewNormalization
    private let precision: Precision
    private let steps: SupervisedSteps<SegmentationCrop>
    package let log: RunLog
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
        self.validation = validation
        self.normalization = normalization
        self.log = log
        self.showScoring = showScoring
        let (rule, device) = (settings.optimizer, network.device)
        precision = settings.precision.resolved(on: device)
        segmenter = Segmenter(network, settings.model, classCount: classes.count, seed: settings.seed)
        let view = SegmentationView(settings.views, mean: normalization.mean)
        steps = try SupervisedSteps(
            SupervisedSteps.Plan(
                length: settings.length, batchSize: settings.batchSize, seed: settings.seed,
                workers: settings.data.workers, precision: precision, weightDecay: rule.weightDecay, run: settings.run,
                format: "selfpatch segmentation run 1"
            ) { step, count, _ in rule.rate(step: step, of: count) },
            optimizer: AdamW(
                ParameterGroups(segmenter, layerDecay: rule.layerDecay), beta1: rule.beta1, beta2: rule.beta2,
                epsilon: rule.epsilon),
            trained: segmenter.parameters + segmenter.buffers, device: device, source: training, in: folder,
            from: checkpoint, log: log, deadline: deadline, show: show
        ) { sample, _, key, _ in view.crop(of: sample, key: key) }
    }

    package var done: Int { steps.done }
    package var stepCount: Int { steps.stepCount }
    package var clock: RunClock { steps.clock }
    package var machine: Checkpoint.Machine { steps.machine }
    package var checkpointInterval: Int { steps.checkpointInterval }
    package var scoreInterval: Int { steps.interval(settings.scoreEvery) }

    package func step() throws { try steps.step { crops, _ in [("loss", loss(on: crops))] } }
    package func save() throws { try steps.save() }

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

    package func score() throws {
        guard done < stepCount else { return }  // The report scores the end.
        let matrix = try confusion()
        // What is not defined, for want of labels, is no line's number.
        let figures = [
            ("mIoU", matrix.meanIntersectionOverUnion), ("mAcc", matrix.meanAccuracy), ("aAcc", matrix.accuracy),
        ].compactMap { name, share in share.map { Metric(name, 100 * $0) } }
        try log.record(step: done, figures)
        let words = figures.map { "\($0.name) \(String(format: "%.2f", $0.value)) %" }.joined(separator: ", ")
        try log.note("After \(done) steps: \(words)")
    }

    // MARK: Using it

    /// Predictions at the images' own size.
    package var inference: SegmentationInference {
        SegmentationInference(
            segmenter, settings.inference, views: settings.views, normalization: normalization, precision: precision)
    }

    /// Counts truth against prediction over the validation images, at the labels' own size.
    ///
    /// - Throws: `RunEnding` where the run has to stop meanwhile.
    package func confusion() throws -> ConfusionMatrix {
        try inference.confusion(over: validation) {
            showScoring($0, validation.count)
            try clock.checkStop()
        }
    }

    /// Writes backbone and head to one file: see ``TrainedSegmenter``.
    package func write(to path: String) throws {
        let crop = settings.views.crop
        let description = WeightsDescription(
            architecture: segmenter.network.architecture, heads: nil, hasPatchHead: false, mean: normalization.mean,
            deviation: normalization.deviation, viewSize: [crop.height, crop.width], steps: done)
        try TrainedSegmenter.write(segmenter, description, classes: classes, settings: settings, to: path)
    }
}

extension ParameterGroups {
    /// Those of a segmentation run: norms, position table and class token do not decay.
    ///
    /// Source: `paramwise_cfg` of the authors' configuration.
    package init(_ segmenter: Segmenter, layerDecay: Double) {
        let still = ["norm", "pos_embed", "cls_token", "reg_token"]
        self.init(
            fineTuning: segmenter.parameters, depth: segmenter.network.architecture.depth, layerDecay: layerDecay
        ) { name in !still.contains { name.contains($0) } }
    }
}
