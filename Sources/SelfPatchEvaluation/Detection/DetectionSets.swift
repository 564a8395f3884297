import SelfPatchData
import SelfPatchFormats

/// The pictures of a detection run with their objects, found and looked at as its settings say.
package struct DetectionSets: Sendable {
    /// Those with objects to train on.
    package let training: DetectionFiles
    /// All those to score.
    package let scoring: DetectionFiles
    /// Whether all objects have masks.
    package let hasMasks: Bool
    /// What is worth a line in the log: what was repaired or left out.
    package let notes: [String]

    private let threads: Int

    /// Reads both splits' annotations.
    ///
    /// - Parameter threads: 0 takes one for each processor.
    /// - Throws: `UserError` where files are missing or damaged, the splits' classes differ, or nothing is left to train on.
    package init(_ settings: DetectionSettings.Data, threads: Int = 0) throws {
        let (training, trainingNotes) = try Self.files(settings, split: settings.trainSplit, threads: threads)
        let (scoring, scoringNotes) = try Self.files(settings, split: settings.scoreSplit, threads: threads)
        guard training.data.classes == scoring.data.classes else {
            throw UserError(
                "The classes of \(settings.trainSplit) and \(settings.scoreSplit) differ: "
                    + "\(Self.words(training.data)) and \(Self.words(scoring.data)). Both need the same categories, names and ids."
            )
        }
        let selection = DetectionTrainingSelection(training.data)
        guard selection.data.objectCount > 0 else {
            throw UserError(
                "No picture of \(settings.trainSplit) has an object to train on"
                    + (selection.words.map { "; \($0)" } ?? "") + ".")
        }
        self.training = DetectionFiles(selection.data, folder: training.folder)
        self.scoring = scoring
        self.threads = threads
        hasMasks = selection.data.hasMasks && scoring.data.hasMasks
        notes =
            (trainingNotes + (selection.words.map { [$0] } ?? [])).map { "\(settings.trainSplit): \($0)" }
            + scoringNotes.map { "\(settings.scoreSplit): \($0)" }
    }

    /// One split's pictures and what was repaired in its annotations.
    package static func files(
        _ settings: DetectionSettings.Data, split: String, threads: Int = 0
    ) throws -> (files: DetectionFiles, notes: [String]) {
        let folder = try COCOFolder(root: settings.folder, split: split)
        let annotations = try COCOAnnotations(path: folder.annotationFile, threads: threads)
        let data = settings.classes.isEmpty ? annotations.data : try annotations.data.keeping(classes: settings.classes)
        return (DetectionFiles(data, folder: try folder.imageFolder()), annotations.notes)
    }

    /// Looks at every picture's header, and tells all that is wrong at once.
    ///
    /// - Parameter progress: is told how many pictures are looked at, of how many.
    package func check(progress: (Int, Int) -> Void = { _, _ in }) throws {
        var problems = DataProblems()
        let total = training.data.images.count + scoring.data.images.count
        training.check(&problems, threads: threads) { progress($0, total) }
        scoring.check(&problems, threads: threads) { progress(training.data.images.count + $0, total) }
        try problems.throwIfAny(title: "The annotated pictures cannot be used")
    }

    private static func words(_ data: DetectionData) -> String {
        data.classes.count > 8
            ? "\(data.classes.count) classes"
            : data.classes.map { "\(PrintableName.of($0.name)) (\($0.id))" }.joined(separator: ", ")
    }
}
