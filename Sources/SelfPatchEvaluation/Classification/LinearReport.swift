import SelfPatchFormats
import SelfPatchTraining

/// What a linear probe found, for JSON, tables and pictures.
package struct LinearReport: Codable, Equatable, Sendable {
    package struct Result: Codable, Equatable, Sendable {
        package let feature: ProbeFeature
        package let learningRate: Double
        /// In per cent.
        package let top1: Double
        package let top5: Double
    }

    package struct ClassResult: Codable, Equatable, Sendable {
        package let name: String
        /// Validation images.
        package let images: Int
        /// In per cent; nil without images.
        package let top1: Double?
        package let top5: Double?
    }

    package let trainingCount: Int
    package let validationCount: Int
    package let epochs: Int
    /// Each feature with each learning rate.
    package let results: [Result]
    /// The one with the highest top-1 on the validation images, which therefore flatters a little.
    package let best: Result
    /// Of the best.
    package let classes: [ClassResult]
    /// Of the best: truth in rows, predictions in columns, in the order of the classes.
    package let confusion: [[Int]]
    /// Validation images that could not be read.
    package let skipped: [String]
}

extension LinearTraining {
    /// Scores everything at the run's end.
    package func report() throws -> LinearReport {
        let scores = scores()
        guard let best = Self.best(scores) else { preconditionFailure("a probe without classifiers") }
        func result(_ scored: Scored) -> LinearReport.Result {
            LinearReport.Result(
                feature: scored.feature, learningRate: scored.learningRate, top1: scored.score.top1,
                top5: scored.score.top5)
        }
        let classCount = training.classes.count
        return LinearReport(
            trainingCount: training.count, validationCount: validationCount, epochs: settings.epochs,
            results: scores.map(result), best: result(best),
            classes: training.classes.enumerated().map { number, name in
                LinearReport.ClassResult(
                    name: name, images: best.score.count(of: number), top1: best.score.top1(of: number),
                    top5: best.score.top5(of: number))
            },
            confusion: (0..<classCount).map { Array(best.score.confusion[$0 * classCount..<($0 + 1) * classCount]) },
            skipped: skipped)
    }
}
