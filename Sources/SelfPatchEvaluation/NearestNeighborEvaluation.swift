import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTraining

/// Weighted k-NN of a network on two folders of images, one folder a class: `training` votes, `validation` is classified.
package struct NearestNeighborEvaluation {
    package let training: ClassFolder
    package let validation: ClassFolder
    package var neighborCounts = NearestNeighbors.defaultNeighborCounts
    package var temperature = 0.07
    /// The class number in `training` of each class of `validation`.
    private let numbers: [Int]

    /// - Throws: `UserError` where a folder is not as it should be, or `validation` has classes that `training` lacks.
    package init(training: ClassFolder, validation: ClassFolder) throws {
        self.training = training
        self.validation = validation
        numbers = try training.numbers(ofClassesIn: validation)
    }

    /// The scores of one feature.
    package struct Result: Codable, Equatable, Sendable {
        package let feature: FeatureExtractor.Feature
        package let scores: [NearestNeighbors.Score]
    }

    /// What was scored, and how it went.
    package struct Report: Codable, Equatable, Sendable {
        /// Images that voted and that were classified.
        package let trainingCount: Int
        package let validationCount: Int
        package let classCount: Int
        /// Names of the classes; a class's number is its place here.
        package let classes: [String]
        /// The class of each image that was classified, in the order of the predictions.
        package let truth: [Int]
        package let results: [Result]
        /// Images that could not be read, each with the reason; they were left out.
        package let skipped: [String]
    }

    /// Truth against prediction of one score, `[truth, prediction]` row by row.
    package static func confusion(_ report: Report, _ score: NearestNeighbors.Score) -> [Int] {
        var counts = [Int](repeating: 0, count: report.classCount * report.classCount)
        for (label, guess) in zip(report.truth, score.predictions) { counts[label * report.classCount + guess] += 1 }
        return counts
    }

    /// - Parameters:
    ///   - features: what stands for an image; each gets a result.
    ///   - progress: is told how many of all images are done; what it throws ends the evaluation.
    package func report(
        on extractor: FeatureExtractor, features: [FeatureExtractor.Feature] = FeatureExtractor.Feature.allCases,
        progress: ((Int) throws -> Void)? = nil
    ) throws -> Report {
        let channels = extractor.network.architecture.channels
        func taken(_ images: ClassFolder, from done: Int) throws -> FeatureExtractor.ImageFeatures {
            try extractor.features(count: images.count, progress: { try progress?(done + $0) }) {
                try images.pixels(of: $0, channels: channels)
            }
        }
        let bank = try taken(training, from: 0)
        let queries = try taken(validation, from: training.count)
        let labels = bank.indices.map(training.label)
        let truth = queries.indices.map { numbers[validation.label(of: $0)] }
        let results = features.map { feature in
            let classifier = NearestNeighbors(
                bank: bank[feature].moved(to: extractor.network.device), labels: labels,
                classCount: training.classes.count, temperature: temperature)
            return Result(
                feature: feature,
                scores: classifier.scores(of: queries[feature], truth: truth, neighborCounts: neighborCounts))
        }
        return Report(
            trainingCount: labels.count, validationCount: truth.count, classCount: training.classes.count,
            classes: training.classes, truth: truth, results: results,
            skipped: (bank.skipped + queries.skipped).map(\.message))
    }
}

/// The same now and then during a run.
package struct NearestNeighborEvaluator: Evaluator {
    package let name = "k-NN"
    private let evaluation: NearestNeighborEvaluation
    private let settings: PretrainSettings

    /// - Parameter settings: a run's, which name the two folders.
    package init(_ settings: PretrainSettings) throws {
        self.settings = settings
        var evaluation = try NearestNeighborEvaluation(
            training: ClassFolder(root: settings.evaluation.train),
            validation: ClassFolder(root: settings.evaluation.validation))
        evaluation.neighborCounts = [20]
        self.evaluation = evaluation
    }

    /// Top-1 of both features with 20 neighbours, in per cent.
    package func metrics(of network: Network, _ check: @escaping () throws -> Void) throws -> [Metric] {
        let extractor = FeatureExtractor(network: network, description: settings.description(steps: 0))
        return try evaluation.report(on: extractor, progress: { _ in try check() }).results.map { result in
            Metric("knn.\(result.feature.rawValue).top1", result.scores[0].top1)
        }
    }
}
