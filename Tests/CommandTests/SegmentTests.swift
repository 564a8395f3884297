import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// `selfpatch segment` with trained heads, on drawn scenes of 32 x 32 pixels and a network of width 16.
@Suite struct SegmentTests {
    /// ADE20K's layout and numbering: 0 is no class, ground 1, things from 2.
    static func prepare(_ folder: TemporaryFolder) throws {
        var settings = SceneGenerator.Settings()
        settings.side = 32
        settings.things = 1...2
        let generator = SceneGenerator(seed: 3, settings: settings)
        for (part, scenes) in [("training", 0..<8), ("validation", 8..<11)] {
            for index in scenes {
                let scene = generator.scene(index)
                try folder.write(PNGFile.encoded(scene.pixels), to: "data/images/\(part)/\(index).png")
                var map = scene.maskPixels
                map.bytes = map.bytes.enumerated().map { $0 < 32 ? 0 : $1 == 0 ? 1 : 2 }
                try folder.write(PNGFile.encoded(map), to: "data/annotations/\(part)/\(index).png")
            }
        }
        let run = try TinyRun(in: folder).run("weights", ["schedule.length=4 steps"])
        try #require(run.exitCode == 0, "\(run)")
    }

    static func arguments(_ folder: TemporaryFolder, _ output: String, _ more: String...) -> [String] {
        let settings = [
            "length=30 steps", "batchSize=4", "views.crop=[32, 32]", "views.shortSide=32", "views.longSide=64",
            "model.pyramidChannels=8", "model.channels=8", "model.auxiliaryChannels=8", "inference.window=32",
            "inference.stride=21", "run.checkpointEvery=7 steps", "data.workers=2",
        ]
        return [
            "segment", "--weights", folder.file("weights"), "--data", folder.file("data"), "--output",
            folder.file(output),
            "--first-class", "1", "--ignore", "0", "--device", "cpu", "--threads", "1",
        ] + settings.flatMap { ["--set", $0] } + more
    }

    private static func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOfFile: folder.file(name), encoding: .utf8)
    }

    @Test(arguments: ["linear", "semantic-fpn", "upernet"]) func headsGiveTheirResults(head: String) throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            try folder.write("ground\nthing\n", to: "data/classes.txt")
            let run = try ProgramRun.of(Self.arguments(folder, "out", "--head", head, "--json", "--flip"))
            try #require(run.exitCode == 0, "\(run)")
            let json = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
            let report = try #require(json["report"] as? [String: Any])
            let classes = try #require(report["classes"] as? [[String: Any]])
            #expect(classes.map { $0["name"] as? String } == ["ground", "thing"])
            // The first row of each label map is no class: 31 rows of 32 pixels of three images are scored.
            #expect(classes.compactMap { $0["pixels"] as? Int }.reduce(0, +) == 3 * 31 * 32)
            #expect((report["confusion"] as? [[Int]])?.joined().reduce(0, +) == 3 * 31 * 32)
            for name in ["predictions.png", "confusion.png", "segmenter.safetensors", "results.txt", "log.txt"] {
                #expect(FileManager.default.fileExists(atPath: folder.file("out/\(name)")), "\(name)")
            }
            let settings = try Self.text(folder, "out/settings.yaml")
            #expect(settings.contains("head: \(head)") && settings.contains("flip: true"))
            let file = try SafetensorsFile(path: folder.file("out/segmenter.safetensors"))
            #expect(file["backbone.pos_embed"] != nil && file["head.scores.weight"]?.shape.first == 2)
        }
    }

    @Test(arguments: ["linear", "upernet"]) func aStoppedRunGoesOnAsIfItNeverStopped(head: String) throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let more = ["--head", head, "--train-backbone", "--set", "scoreEvery=10 steps"]
            let whole = try ProgramRun.of(Self.arguments(folder, "whole") + more)
            try #require(whole.exitCode == 0, "\(whole)")
            let part = try RunningProgram(Self.arguments(folder, "part") + more)
            let metrics = folder.file("part/metrics.jsonl")
            _ = part.wait(until: {
                (FileManager.default.contents(atPath: metrics)?.filter { $0 == UInt8(ascii: "\n") }.count ?? 0) > 9
            })
            part.send(SIGKILL)
            _ = part.wait()
            let resumed = try ProgramRun.of("segment", "--resume", folder.file("part"))
            try #require(resumed.exitCode == 0, "\(resumed)")
            for file in ["metrics.jsonl", "results.txt"] {
                #expect(try Self.text(folder, "part/\(file)") == Self.text(folder, "whole/\(file)"), "\(file)")
            }
        }
    }

    /// A step's checkpoint comes before its scores, so that stopping a long scoring loses nothing: on the way, and at the end.
    @Test func aScoringIsLeftAndMadeUpFor() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let more = [
                "length=8 steps", "scoreEvery=5 steps", "run.checkpointEvery=5 steps", "views.shortSide=64",
                "inference.mode=slide", "inference.stride=2",
            ].flatMap { ["--set", $0] }
            let whole = try ProgramRun.of(Self.arguments(folder, "whole", "--head", "linear") + more)
            try #require(whole.exitCode == 0, "\(whole)")
            func stop(_ running: RunningProgram, where file: String) throws -> ProgramRun {
                #expect(running.wait { FileManager.default.fileExists(atPath: folder.file("part/\(file)")) })
                running.send(SIGTERM)
                return running.wait()
            }
            let resume = ["segment", "--resume", folder.file("part")]
            let first = try stop(
                RunningProgram(Self.arguments(folder, "part", "--head", "linear") + more),
                where: "checkpoints/step-000000005.safetensors")
            #expect(first.exitCode == 143 && first.errors.contains("after 5 of 8 steps; saved. Go on with"), "\(first)")
            #expect(try Self.text(folder, "part/metrics.jsonl").split(separator: "\n").count == 5)
            let second = try stop(RunningProgram(resume), where: "segmenter.safetensors")
            #expect(second.exitCode == 143 && second.errors.contains("after 8 of 8 steps; saved"), "\(second)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("part/results.txt")))
            let last = try ProgramRun.of(resume)
            try #require(last.exitCode == 0, "\(last)")
            for file in ["metrics.jsonl", "results.txt"] {
                #expect(try Self.text(folder, "part/\(file)") == Self.text(folder, "whole/\(file)"), "\(file)")
            }
        }
    }

    @Test func everythingWrongIsNamedBeforeTrainingStarts() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let small = Pixels(height: 3, width: 3, channels: 1, bytes: [UInt8](repeating: 1, count: 9))
            try folder.write(PNGFile.encoded(small), to: "data/annotations/training/5.png")
            try folder.write("no map", to: "data/annotations/validation/9.png")
            let wrong = try ProgramRun.of(Self.arguments(folder, "out", "--head", "linear", "--classes", "2"))
            #expect(wrong.exitCode == 1, "\(wrong)")
            #expect(wrong.errors.contains("5.png has 32 x 32 pixels, its label map 3 x 3"))
            #expect(wrong.errors.contains("the label map of 9.png"))
            try FileManager.default.removeItem(atPath: folder.file("data/annotations/validation/9.png"))
            let missing = try ProgramRun.of(Self.arguments(folder, "out", "--head", "linear", "--classes", "2"))
            #expect(missing.exitCode == 1 && missing.errors.contains("no label map of the same name"), "\(missing)")
            #expect(missing.errors.contains("9.png"))
            #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
        }
    }

    @Test func settingsThatCannotBeAreRefused() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            for (more, words) in [
                (["--head", "upernet", "--pyramid", "reference"], "UPerNet stands on strides"),
                (["--head", "semantic-fpn", "--set", "model.blocks=[1, 2]"], "needs 4"),
                (["--head", "linear", "--set", "model.blocks=[3]"], "the network has 2"),
                (["--head", "upernet", "--set", "views.crop=[16, 16]"], "at least 32"),
                (["--head", "linear", "--set", "batchSize=9"], "at most 8"),
                (["--head", "linear", "--set", "optimizer.learningrate=1"], "Did you mean 'optimizer.learningRate'"),
                (["--preset", "small-upernet", "--head", "linear"], "contradicts"),
                (["--head", "upernet", "--set", "batchSize=1"], "Take batchSize=2"),
                (["--head", "semantic-fpn", "--set", "batchSize=1"], "Take batchSize=2 or a larger views.crop"),
                (["--head", "linear", "--set", "run.timeLimit=1e30"], "run.timeLimit is 1e+30; it must lie between"),
            ] {
                let run = try ProgramRun.of(Self.arguments(folder, "out") + more)
                #expect(run.exitCode == 64 && run.errors.contains(words), "\(run)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
        }
    }

    /// Nearest patches: other folders and names as for trained heads, and all mistakes named before a patch is looked at.
    @Test func nearestPatchesTakeTheSameData() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            try folder.write("ground\nthing\n", to: "names.txt")
            let folders = ["train", "validation"].flatMap { part -> [String] in
                let name = part == "train" ? "training" : part
                return [
                    "--set", "data.\(part)Images=data/images/\(name)", "--set",
                    "data.\(part)Labels=data/annotations/\(name)",
                ]
            }
            let numbering = [
                "--first-class", "1", "--ignore", "0", "--side", "32", "--device", "cpu", "--threads", "1",
            ]
            let command =
                ["segment", "--head", "knn", "--weights", "weights", "--set", "data.classList=names.txt"] + numbering
                + folders
            let run = try ProgramRun.of(command, folder: folder.path)
            try #require(run.exitCode == 0, "\(run)")
            #expect(run.output.contains("ground") && run.output.contains("thing"), "\(run)")
            let other = try ProgramRun.of(command + ["--set", "length=3 steps"], folder: folder.path)
            #expect(other.exitCode == 64 && other.errors.contains("length has no meaning"), "\(other)")
            let small = Pixels(height: 3, width: 3, channels: 1, bytes: [UInt8](repeating: 1, count: 9))
            try folder.write(PNGFile.encoded(small), to: "data/annotations/training/5.png")
            try folder.write("no map", to: "data/annotations/validation/9.png")
            let wrong = try ProgramRun.of(command, folder: folder.path)
            #expect(wrong.exitCode == 1 && wrong.output.isEmpty, "\(wrong)")
            #expect(wrong.errors.contains("5.png has 32 x 32 pixels, its label map 3 x 3"))
            #expect(wrong.errors.contains("the label map of 9.png"))
        }
    }

    /// Pretraining can score patches as it goes; its last scores are those of the finished weights.
    @Test func aRunScoresItsPatchesMeanwhile() throws {
        try withTemporaryFolder { folder in
            try Self.prepare(folder)
            let labelled = [
                "evaluation.every=2 steps", "evaluation.patches=\(folder.file("data"))", "evaluation.firstClass=1",
                "evaluation.ignored=0", "evaluation.shortSide=32",
            ]
            let tiny = try TinyRun(in: folder)
            let run = try tiny.run("scored", ["schedule.length=4 steps"] + labelled)
            try #require(run.exitCode == 0, "\(run)")
            let lines = try folder.text("scored/metrics.jsonl").split(separator: "\n").filter {
                $0.contains("patches.mIoU")
            }
            #expect(lines.count == 2)
            let all = try folder.text("scored/metrics.jsonl")
            #expect(try tiny.resume("scored").exitCode == 0 && folder.text("scored/metrics.jsonl") == all)
            let last = try JSONDecoder().decode([String: Double].self, from: Data(#require(lines.last).utf8))
            let knn = try ProgramRun.of(
                "segment", "--head", "knn", "--weights", folder.file("scored"), "--data", folder.file("data"),
                "--first-class", "1",
                "--ignore", "0", "--side", "32", "--device", "cpu", "--threads", "1", "--json")
            try #require(knn.exitCode == 0, "\(knn)")
            let document = try #require(try JSONSerialization.jsonObject(with: Data(knn.output.utf8)) as? [String: Any])
            let (iou, accuracy) = (
                try #require(document["meanIoU"] as? Double), try #require(document["accuracy"] as? Double)
            )
            #expect(abs(100 * iou - (last["patches.mIoU"] ?? 0)) < 1e-9)
            #expect(abs(100 * accuracy - (last["patches.accuracy"] ?? 0)) < 1e-9)
            try folder.write("no map", to: "data/annotations/validation/9.png")
            let wrong = try tiny.run("wrong", labelled)
            #expect(wrong.exitCode == 1 && wrong.errors.contains("the label map of 9.png"), "\(wrong)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("wrong")))
        }
    }
}
