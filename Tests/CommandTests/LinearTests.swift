import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// `selfpatch linear` on drawn pictures of a few classes and a network of width 16.
@Suite struct LinearTests {
    static func prepare(_ folder: TemporaryFolder) throws {
        try draw(in: folder)
        let run = try TinyRun(in: folder).run("weights", ["schedule.length=4 steps"])
        try #require(run.exitCode == 0, "\(run)")
    }

    /// Two pictures of each of four classes, 20 x 24 pixels; validation shows the same.
    static func draw(in folder: TemporaryFolder) throws {
        for index in 0..<8 {
            for part in ["train", "val"] {
                try folder.write(
                    TinyRun.bitmap(width: 24, height: 20, seed: index), to: "\(part)/class \(index / 2)/\(index).bmp")
            }
        }
    }

    static func arguments(_ folder: TemporaryFolder, _ output: String, _ more: String...) -> [String] {
        [
            "linear", "--weights", folder.file("weights"), "--train", folder.file("train"), "--val", folder.file("val"),
            "--output", folder.file(output), "--batch", "8", "--device", "cpu", "--threads", "1",
        ] + more
    }

    private static func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOfFile: folder.file(name), encoding: .utf8)
    }

    /// The overfitting check: eight training images are told apart without a mistake.
    @Test func eightImagesAreLearnedByHeart() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let run = try ProgramRun.of(
                Self.arguments(
                    folder, "out", "--augment", "none", "--epochs", "400", "--rate", "3", "--rate", "30", "--blocks",
                    "2",
                    "--json"))
            try #require(run.exitCode == 0, "\(run)")
            let json = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
            let report = try #require(json["report"] as? [String: Any])
            let best = try #require(report["best"] as? [String: Any])
            #expect(best["top1"] as? Double == 100, "\(report)")
            #expect((report["results"] as? [Any])?.count == 6)
            #expect((report["confusion"] as? [[Int]])?.map { $0.reduce(0, +) } == [2, 2, 2, 2])
            #expect(try Self.text(folder, "out/results.json") == run.output)
            #expect(try Self.text(folder, "out/results.txt").contains("top-1 100.0 %"))
            #expect(FileManager.default.fileExists(atPath: folder.file("out/confusion.png")))
            #expect(try Self.text(folder, "out/settings.yaml").contains("learningRates: [3, 30]"))
        }
    }

    @Test(arguments: ["crop", "none"]) func aStoppedProbeGoesOnAsIfItNeverStopped(augment: String) throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let more = ["--augment", augment, "--epochs", "60", "--set", "run.checkpointEvery=7 steps"]
            let whole = try ProgramRun.of(Self.arguments(folder, "whole") + more)
            try #require(whole.exitCode == 0, "\(whole)")

            let part = try RunningProgram(Self.arguments(folder, "part") + more)
            let metrics = folder.file("part/metrics.jsonl")
            _ = part.wait(until: {
                (FileManager.default.contents(atPath: metrics)?.filter { $0 == UInt8(ascii: "\n") }.count ?? 0) > 15
            })
            part.send(SIGKILL)
            _ = part.wait()
            let resumed = try ProgramRun.of("linear", "--resume", folder.file("part"))
            try #require(resumed.exitCode == 0, "\(resumed)")
            for file in ["metrics.jsonl", "results.txt"] {
                #expect(try Self.text(folder, "part/\(file)") == Self.text(folder, "whole/\(file)"), "\(file)")
            }
            let again = try ProgramRun.of(Self.arguments(folder, "part") + more)
            #expect(again.exitCode == 64 && again.errors.contains("--resume"))
        }
    }

    @Test func viewsMayHaveAnySize() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let folders = [
                "--train", folder.file("train"), "--val", folder.file("val"), "--device", "cpu", "--threads", "1",
            ]
            let knn = try ProgramRun.of(
                ["knn", "--weights", folder.file("weights"), "--size", "24x16", "--json"] + folders)
            try #require(knn.exitCode == 0, "\(knn)")
            let document = try #require(try JSONSerialization.jsonObject(with: Data(knn.output.utf8)) as? [String: Any])
            #expect(document["view"] as? [Int] == [24, 16])
            let small = try ProgramRun.of(["knn", "--weights", folder.file("weights"), "--size", "3"] + folders)
            #expect(small.exitCode == 64 && small.errors.contains("3 x 3 pixels hold no patch"), "\(small)")

            try folder.write("epochs: 2\nlearningRates: [0.5]\n", to: "few.yaml")
            let linear = try ProgramRun.of(
                Self.arguments(
                    folder, "out", "--size", "24x16", "--config", folder.file("few.yaml"), "--set", "momentum=0.5"))
            try #require(linear.exitCode == 0, "\(linear)")
            let settings = try Self.text(folder, "out/settings.yaml")
            for line in ["viewSize: [24, 16]", "epochs: 2", "learningRates: [0.5]", "momentum: 0.5"] {
                #expect(settings.contains(line), "\(line)")
            }
            for option in [["--size", "8"], ["--config", folder.file("few.yaml")], ["--network", "student"]] {
                let resumed = try ProgramRun.of(["linear", "--resume", folder.file("out")] + option)
                #expect(resumed.exitCode == 64 && resumed.errors.contains("--resume"), "\(resumed)")
            }
        }
    }

    @Test func mistakesAreNamedBeforeAnythingIsWritten() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            try folder.write(TinyRun.bitmap(width: 24, height: 20, seed: 3), to: "val/unheard of/1.bmp")
            let unknown = try ProgramRun.of(Self.arguments(folder, "out"))
            #expect(unknown.exitCode == 64 && unknown.errors.contains("'unheard of'"), "\(unknown)")
            try FileManager.default.removeItem(atPath: folder.file("val/unheard of"))
            let large = try ProgramRun.of(Self.arguments(folder, "out", "--batch", "9"))
            #expect(large.exitCode == 64 && large.errors.contains("at most 8"), "\(large)")
            let deep = try ProgramRun.of(Self.arguments(folder, "out", "--rate", "0"))
            #expect(deep.exitCode == 64 && deep.errors.contains("learningRates"), "\(deep)")
            let long = try ProgramRun.of(Self.arguments(folder, "out", "--epochs", "9000000000000000000"))
            #expect(long.exitCode == 64 && long.errors.contains("a billion at most"), "\(long)")
            let past = try ProgramRun.of(Self.arguments(folder, "out", "--set", "run.timeLimit=-5"))
            #expect(past.exitCode == 64 && past.errors.contains("run.timeLimit is -5"), "\(past)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
        }
    }
}
