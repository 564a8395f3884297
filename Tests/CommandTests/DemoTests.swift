import Foundation
import TestSupport
import Testing

/// The demo in small, as a person runs it, and k-NN on what it leaves behind.
@Suite struct DemoTests {
    private struct Scores: Decodable {
        struct Entry: Decodable {
            let network: String
            let scores: [String: Double]
        }
        let steps: Int
        let networks: [Entry]
    }

    private struct Report: Decodable {
        struct Inner: Decodable {
            struct Result: Decodable {
                struct Score: Decodable {
                    let neighborCount: Int
                    let top1: Double
                }
                let feature: String
                let scores: [Score]
            }
            let results: [Result]
            let trainingCount: Int
            let validationCount: Int
        }
        let network: String
        let report: Inner
    }

    @Test func demoPrintsWhatKnnPrintsAndPaints() throws {
        try withTemporaryFolder { place in
            let arguments = [
                "demo", "--steps", "2", "--scenes", "320", "--held-out", "40", "--threads", "1", "--output", "demo",
            ]
            let run = try ProgramRun.of(arguments + ["--json"], folder: place.path, timeout: .seconds(600))
            #expect(run.exitCode == 0, "\(run)")
            let scores = try JSONDecoder().decode(Scores.self, from: Data(run.output.utf8))
            #expect(scores.steps == 2)
            #expect(scores.networks.map(\.network) == ["untrained", "teacher", "student"])
            for picture in ["features.png", "scenes.png"] {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: place.file("demo/\(picture)")))
                #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            }
            for entry in scores.networks {
                let knn = try ProgramRun.of(
                    [
                        "knn", "--weights", "demo/run", "--network", entry.network, "--train", "demo/scenes/train",
                        "--val", "demo/scenes/val", "--threads", "1", "--json",
                    ], folder: place.path, timeout: .seconds(300))
                #expect(knn.exitCode == 0, "\(knn)")
                let report = try JSONDecoder().decode(Report.self, from: Data(knn.output.utf8))
                #expect(report.network == entry.network)
                #expect(report.report.trainingCount == 320 && report.report.validationCount == 40)
                for (feature, key) in [("summary", "summary"), ("mean-patch", "meanPatch")] {
                    let result = try #require(report.report.results.first { $0.feature == feature })
                    let score = try #require(result.scores.first { $0.neighborCount == 20 })
                    #expect(score.top1 == entry.scores[key])
                }
            }
            try runScoresItselfMeanwhile(place)
            // A second demo takes the first one's place.
            let again = try ProgramRun.of(arguments, folder: place.path, timeout: .seconds(600))
            #expect(again.exitCode == 0, "\(again)")
            let teacher = scores.networks[1].scores["patchIntersectionOverUnion"] ?? 0
            #expect(again.output.contains(String(format: "%.1f", teacher)), "the table holds the same scores")
        }
    }

    /// A run that is told to scores its teacher as it goes; its last scores are those of the finished weights.
    private func runScoresItselfMeanwhile(_ place: TemporaryFolder) throws {
        let run = try ProgramRun.of(
            [
                "pretrain", "--preset", "nano-scenes", "--data", "demo/scenes/train", "--output", "run", "--threads",
                "1",
                "--set", "schedule.length=2 steps", "--set", "evaluation.every=2 steps",
                "--set", "evaluation.train=demo/scenes/train", "--set", "evaluation.validation=demo/scenes/val",
            ], folder: place.path, timeout: .seconds(300))
        #expect(run.exitCode == 0, "\(run)")
        let metrics = try String(contentsOfFile: place.file("run/metrics.jsonl"), encoding: .utf8)
        let line = try #require(metrics.split(separator: "\n").last { $0.contains("knn.") })
        let numbers = try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
        let knn = try ProgramRun.of(
            [
                "knn", "--weights", "run", "--train", "demo/scenes/train", "--val", "demo/scenes/val", "--threads", "1",
                "--neighbors", "20", "--json",
            ], folder: place.path, timeout: .seconds(300))
        let report = try JSONDecoder().decode(Report.self, from: Data(knn.output.utf8)).report
        for result in report.results {
            #expect(numbers["knn.\(result.feature).top1"] == result.scores.first?.top1, "\(result.feature)")
        }
    }

    @Test func aFolderWithOtherThingsIsLeftAlone() throws {
        try withTemporaryFolder { place in
            try place.write("mine", to: "demo/thesis.txt")
            let run = try ProgramRun.of(["demo", "--output", "demo"], folder: place.path)
            #expect(run.exitCode == 64, "\(run)")
            #expect(run.errors.contains("other things than a former demo"))
            #expect(FileManager.default.fileExists(atPath: place.file("demo/thesis.txt")))
        }
    }

    @Test(.requires(SharedData.photos)) func ownImagesNeedNoLabels() throws {
        let photos = try #require(SharedData.photos.path)
        try withTemporaryFolder { place in
            let run = try ProgramRun.of(
                ["demo", "--data", photos, "--steps", "1", "--threads", "1", "--output", "out"], folder: place.path,
                timeout: .seconds(300))
            #expect(run.exitCode == 0, "\(run)")
            #expect(!run.output.contains("k-NN"))
            #expect(FileManager.default.fileExists(atPath: place.file("out/features.png")))
        }
    }
}

@Suite struct KnnTests {
    @Test(arguments: [
        (["--weights", "missing"], "missing is not there"),
        (["--weights", "file"], "file"),
        (["--weights", "folder"], "holds no run"),
    ])
    func badWeightsAreASentence(arguments: [String], words: String) throws {
        try withTemporaryFolder { place in
            try place.write("no weights", to: "file")
            try place.write("", to: "folder/note.txt")
            for kind in ["a", "b"] { try place.write("", to: "images/\(kind)/1.png") }
            let run = try ProgramRun.of(
                ["knn", "--train", "images", "--val", "images"] + arguments, folder: place.path)
            #expect(run.exitCode == 1 || run.exitCode == 64, "\(run)")
            #expect(run.errors.contains(words), "\(run)")
            #expect(!run.errors.contains("Fatal"), "\(run)")
        }
    }

    @Test(arguments: [["--neighbors", "0"], ["--batch", "0"], ["--temperature", "0"], ["--feature", "sum"]])
    func absurdOptionsAreRefused(option: [String]) throws {
        let run = try ProgramRun.of(["knn", "--weights", "w", "--train", "t", "--val", "v"] + option)
        #expect(run.exitCode == 64, "\(run)")
    }

    @Test func missingFoldersAreNamed() throws {
        try withTemporaryFolder { place in
            try place.write("", to: "empty/note.txt")
            for (train, words) in [("nowhere", "nowhere"), ("empty", "empty")] {
                let run = try ProgramRun.of(
                    ["knn", "--weights", "w", "--train", train, "--val", train], folder: place.path)
                #expect(run.exitCode == 1 || run.exitCode == 64, "\(run)")
                #expect(run.errors.contains(words), "\(run)")
            }
        }
    }
}
