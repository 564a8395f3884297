import SelfPatchData

/// What drawn scenes say about a network: k-NN accuracy of whole scenes, and the score of its patches on the masks.
package struct SceneExam {
    /// Whole scenes: the kind of their things is the class.
    package let images: NearestNeighborEvaluation
    /// Neighbours that vote for an image.
    package let neighborCount: Int
    /// Scenes whose patches fill the bank, and scenes whose patches are labelled.
    package let patchTraining: LabelledImages
    package let patchValidation: LabelledImages
    /// The side that scenes are shown at for the patch score: their own.
    package let side: Int

    package init(
        images: NearestNeighborEvaluation, neighborCount: Int = 20, patchTraining: LabelledImages,
        patchValidation: LabelledImages, side: Int
    ) {
        self.images = images
        self.neighborCount = neighborCount
        self.patchTraining = patchTraining
        self.patchValidation = patchValidation
        self.side = side
    }

    /// All in per cent.
    package struct Scores: Codable, Equatable, Sendable {
        /// k-NN top-1 of whole scenes by the image summary.
        package let summary: Double
        /// The same by the mean patch.
        package let meanPatch: Double
        /// Mean intersection over union of ground and kinds, patch by patch.
        package let patchIntersectionOverUnion: Double
        /// Share of the patches labelled right; most of them are ground.
        package let patchAccuracy: Double
    }

    /// Images that the exam looks at.
    package var imageCount: Int {
        images.training.count + images.validation.count + patchTraining.count + patchValidation.count
    }

    /// - Parameter progress: is told how many of `imageCount` images are done.
    package func scores(of extractor: FeatureExtractor, progress: ((Int) -> Void)? = nil) throws -> Scores {
        var images = images
        images.neighborCounts = [neighborCount]
        let report = try images.report(on: extractor, progress: progress)
        func top1(_ feature: FeatureExtractor.Feature) -> Double {
            report.results.first { $0.feature == feature }.map { $0.scores[0].top1 } ?? 0
        }
        let patches = try PatchEvaluation(extractor: extractor, frame: .whole(shorterSide: side)).score(
            training: patchTraining, validation: patchValidation,
            progress: { done in progress?(images.training.count + images.validation.count + done) })
        return Scores(
            summary: top1(.summary), meanPatch: top1(.meanPatch),
            patchIntersectionOverUnion: 100 * (patches.meanIntersectionOverUnion ?? 0),
            patchAccuracy: 100 * (patches.accuracy ?? 0))
    }
}
