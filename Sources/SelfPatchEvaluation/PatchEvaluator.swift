import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining

/// Scores patches by their nearest labelled ones now and then during a run.
package struct PatchEvaluator: Evaluator {
    package let name = "Patches"
    private let data: SegmentationData
    private let settings: PretrainSettings

    /// Finds the labelled images that a run's settings name, and looks at all of them.
    ///
    /// - Throws: `UserError` with all that is wrong with them, file by file.
    package init(_ settings: PretrainSettings) throws {
        self.settings = settings
        var labelled = SegmentationSettings()
        labelled.data.folder = settings.evaluation.patches
        labelled.data.firstClass = settings.evaluation.firstClass
        labelled.data.ignored = settings.evaluation.ignored
        data = try SegmentationData(labelled)
        _ = try data.check()
    }

    /// mIoU and share of right patches, in per cent, with 20 neighbours of 20,000.
    package func metrics(of network: Network, _ check: @escaping () throws -> Void) throws -> [Metric] {
        let channels = network.architecture.channels
        let evaluation = PatchEvaluation(
            extractor: FeatureExtractor(network: network, description: settings.description(steps: 0), batchSize: 16),
            frame: .whole(shorterSide: settings.evaluation.shortSide))
        let score = try evaluation.score(
            training: LabelledImages(data.training, channels: channels),
            validation: LabelledImages(data.validation, channels: channels), progress: { _ in try check() })
        return [
            Metric("patches.mIoU", 100 * (score.meanIntersectionOverUnion ?? 0)),
            Metric("patches.accuracy", 100 * (score.accuracy ?? 0)),
        ]
    }
}
