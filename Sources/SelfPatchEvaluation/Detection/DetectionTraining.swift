import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// Trains a detector on a backbone, and the backbone with it unless that is frozen.
///
/// Source: the authors' detection configuration, on mmdetection.
package final class DetectionTraining: TrainingRun {
    package let settings: DetectionSettings
    package let classes: [DetectionClass]
    package let detector: MaskRCNN
    private let normalization: ViewNormalization
    private let precision: Precision
    private let steps: SupervisedSteps<DetectionPicture>
    package let log: RunLog
    private let scoring: (DetectionInference, RunClock) throws -> DetectionReport

    /// Prepares a run, from its beginning or from a checkpoint.
    ///
    /// - Parameters:
    ///   - settings: valid ones, for this network too.
    ///   - network: will be changed unless it is frozen.
    ///   - training: pictures with objects, and masks where the settings ask for them.
    ///   - show: is handed the state of things after every step.
    ///   - scoring: finds objects in the pictures to score, and scores them; asks the clock whether the run has to stop.
    package init(
        _ settings: DetectionSettings, network: Network, normalization: ViewNormalization, training: DetectionFiles,
        in folder: RunFolder, from checkpoint: Checkpoint?, log: RunLog, deadline: ContinuousClock.Instant? = nil,
        show: @escaping (RunProgress) -> Void = { _ in },
        scoring: @escaping (DetectionInference, RunClock) throws -> DetectionReport
    ) throws {
        self.settings = settings
        self.normalization = normalization
        self.log = log
        self.scoring = scoring
        classes = training.data.classes
        let (rule, device) = (settings.optimizer, network.device)
        precision = settings.precision.resolved(on: device)
        detector = MaskRCNN(network, settings.model, classCount: classes.count, seed: settings.seed)
        let view = DetectionView(settings.views, masks: settings.model.masks)
        var plan = SupervisedSteps<DetectionPicture>.Plan(
            length: settings.length, batchSize: settings.batchSize, seed: settings.seed, workers: settings.data.workers,
            precision: precision, weightDecay: rule.weightDecay, run: settings.run, format: "selfpatch detection run 1"
        ) { rule.rate(step: $0, of: $1, stepsPerEpoch: $2) }
        plan.parts = (settings.batchSize + settings.atOnce - 1) / settings.atOnce
        steps = try SupervisedSteps(
            plan,
            optimizer: AdamW(
                ParameterGroups(detector, layerDecay: rule.layerDecay), beta1: rule.beta1, beta2: rule.beta2,
                epsilon: rule.epsilon),
            trained: detector.parameters + detector.buffers, device: device,
            source: training.source(channels: network.architecture.channels), in: folder, from: checkpoint, log: log,
            deadline: deadline, show: show
        ) { sample, _, key, _ in view.picture(of: sample, key: key) }
    }

    package var done: Int { steps.done }
    package var stepCount: Int { steps.stepCount }
    package var clock: RunClock { steps.clock }
    package var machine: Checkpoint.Machine { steps.machine }
    package var checkpointInterval: Int { steps.checkpointInterval }
    package var scoreInterval: Int { steps.interval(settings.scoreEvery) }

    package func step() throws { try steps.step(losses) }
    package func save() throws { try steps.save() }

    private func losses(of pictures: [DetectionPicture], first: Int) -> [SupervisedSteps<DetectionPicture>.Loss] {
        let truths = pictures.map {
            DetectionTruth(
                height: $0.size.height, width: $0.size.width, boxes: $0.boxes, classes: $0.classes, masks: $0.masks)
        }
        return precision.run(on: detector.network.device) {
            let views = detector.views(of: pictures, normalization)
            return detector.trainingPass(
                views, truths, .training(seed: settings.seed, step: done), firstSample: first
            ).losses.terms
        }
    }

    package func score() throws {
        guard done < stepCount else { return }  // The report scores the end.
        let scores = try scoring(inference, clock).precision.map { Metric($0.name, 100 * $0.value) }
        try log.record(step: done, scores)
        let words = scores.map { "\($0.name) \(String(format: "%.2f", $0.value)) %" }.joined(separator: ", ")
        try log.note("After \(done) steps: \(words)")
    }

    // MARK: Using it

    /// Objects at the pictures' own size.
    package var inference: DetectionInference {
        DetectionInference(detector, views: settings.views, normalization: normalization, precision: precision)
    }

    /// Writes backbone and heads to one file: see ``TrainedDetector``.
    package func write(to path: String) throws {
        let side = settings.views.useShortSide
        let description = WeightsDescription(
            architecture: detector.network.architecture, heads: nil, hasPatchHead: false, mean: normalization.mean,
            deviation: normalization.deviation, viewSize: [side, side], steps: done)
        try TrainedDetector.write(detector, description, classes: classes, settings: settings, to: path)
    }
}

extension ParameterGroups {
    /// Those of a detection run: the backbone's norms, position table and class token do not decay; all that stands on it does,
    /// biases and norms too.
    ///
    /// Source: `paramwise_cfg` of the authors' configuration, whose pyramid has a norm without the word in its name.
    package init(_ detector: MaskRCNN, layerDecay: Double) {
        let still = ["norm", "pos_embed", "cls_token", "reg_token"]
        self.init(
            fineTuning: detector.parameters, depth: detector.network.architecture.depth, layerDecay: layerDecay
        ) { name in !(name.hasPrefix("backbone.") && still.contains { name.contains($0) }) }
    }
}
