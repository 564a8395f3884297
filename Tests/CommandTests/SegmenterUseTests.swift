import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// `selfpatch segment` with a head that was trained before: scores and label maps.
@Suite struct SegmenterUseTests {
    /// Trains a linear head into `out`: labels 1 (ground) and 2 (thing).
    private static func train(_ folder: TemporaryFolder, _ more: String...) throws {
        try SegmentTests.prepare(folder)
        try folder.write("ground\nthing\n", to: "data/classes.txt")
        let run = try ProgramRun.of(SegmentTests.arguments(folder, "out", "--head", "linear") + more)
        try #require(run.exitCode == 0, "\(run)")
    }

    private static func segment(_ folder: TemporaryFolder, _ arguments: String...) throws -> ProgramRun {
        try ProgramRun.of(["segment", "--device", "cpu", "--threads", "1"] + arguments, folder: folder.file(""))
    }

    private struct Report: Decodable, Equatable {
        struct Class: Decodable, Equatable {
            let name: String
            let pixels: Int
            let iou: Double?
            let accuracy: Double?
        }

        var trainingCount: Int?
        let validationCount: Int
        let steps: Int
        let mIoU: Double?
        let mAcc: Double?
        let aAcc: Double?
        let classes: [Class]
        let confusion: [[Int]]
    }

    private static func report(_ json: Data) throws -> Report {
        struct Document: Decodable { let report: Report }
        return try JSONDecoder().decode(Document.self, from: json).report
    }

    @Test func aSavedHeadScoresAsItDidAfterItsTraining() throws {
        try withTemporaryFolder { folder in
            try Self.train(folder, "--flip", "--set", "inference.mode=slide")
            var trained = try Self.report(folder.data("out/results.json"))
            #expect(trained.trainingCount == 8)
            trained.trainingCount = nil
            for weights in ["out", "out/segmenter.safetensors"] {
                let run = try Self.segment(
                    folder, "--weights", weights, "--data", "data", "--output", "again", "--json")
                try #require(run.exitCode == 0, "\(run)")
                #expect(try Self.report(Data(run.output.utf8)) == trained)
            }
            for name in ["results.json", "results.txt", "predictions.png", "confusion.png"] {
                #expect(FileManager.default.fileExists(atPath: folder.file("again/\(name)")), "\(name)")
            }
            // Another part of the data, and another way to look at it.
            let other = try Self.segment(
                folder, "--weights", "out", "--set", "data.validationImages=data/images/training", "--set",
                "data.validationLabels=data/annotations/training", "--set", "inference.mode=whole", "--json")
            try #require(other.exitCode == 0, "\(other)")
            #expect(try Self.report(Data(other.output.utf8)).validationCount == 8)
        }
    }

    @Test func aFolderOfImagesIsLabelled() throws {
        try withTemporaryFolder { folder in
            try Self.train(folder)
            let wide = SceneGenerator(seed: 4).scene(0).pixels
            for index in 8..<11 {
                try FileManager.default.createDirectory(
                    atPath: folder.file("new/part"), withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: folder.file("data/images/validation/\(index).png"),
                    toPath: folder.file("new/part/\(index).png"))
            }
            try folder.write(PNGFile.encoded(wide), to: "new/wide.png")
            try folder.write("no picture", to: "new/broken.jpg")
            let command = ["--weights", "out", "--predict", "new", "--output", "maps", "--overlays"]
            let run = try ProgramRun.of(
                ["segment", "--device", "cpu", "--threads", "1"] + command, folder: folder.file(""))
            try #require(run.exitCode == 0, "\(run)")
            #expect(run.output.contains("4 label maps in maps/labels; 1 images could not be read"), "\(run)")
            #expect(run.errors.contains("left out: broken.jpg"))
            #expect(try folder.text("maps/skipped.txt").hasPrefix("broken.jpg\t"))
            #expect(
                try folder.text("maps/classes.txt").split(separator: "\n").map { $0.split(separator: " ")[1] } == [
                    "ground", "thing",
                ])
            let map = try ImageFile.labels(path: folder.file("maps/labels/wide.png"))
            #expect((map.height, map.width) == (wide.height, wide.width))
            #expect(Set(map.bytes).isSubset(of: [1, 2]))
            #expect(try ImageFile.size(path: folder.file("maps/overlays/wide.png")) == (wide.height, wide.width))

            // The maps are the predictions that the run was scored by: count truth against them.
            var confusion = [[0, 0], [0, 0]]
            for index in 8..<11 {
                let truth = try ImageFile.labels(path: folder.file("data/annotations/validation/\(index).png"))
                let found = try ImageFile.labels(path: folder.file("maps/labels/part/\(index).png"))
                for (truth, found) in zip(truth.bytes, found.bytes) where truth > 0 {
                    confusion[Int(truth) - 1][Int(found) - 1] += 1
                }
            }
            #expect(try Self.report(folder.data("out/results.json")).confusion == confusion)

            // The same call makes what is missing and leaves the rest alone.
            let first = try folder.data("maps/labels/part/9.png")
            try FileManager.default.removeItem(atPath: folder.file("maps/labels/part/9.png"))
            try folder.write("kept", to: "maps/labels/part/8.png")
            let again = try ProgramRun.of(
                ["segment", "--device", "cpu", "--threads", "1", "--json"] + command, folder: folder.file(""))
            #expect(again.exitCode == 0 && again.output.contains("\"kept\" : 3"), "\(again)")
            #expect(again.output.contains("\"reason\"") && again.errors.contains("broken.jpg"))
            #expect(try folder.data("maps/labels/part/9.png") == first)
            #expect(try folder.text("maps/labels/part/8.png") == "kept")
            let other = try ProgramRun.of(["segment", "--flip"] + command, folder: folder.file(""))
            #expect(other.exitCode == 64 && other.errors.contains("other images, settings or weights"), "\(other)")
        }
    }

    @Test func aKilledCallIsGoneOnWith() throws {
        try withTemporaryFolder { folder in
            try Self.train(folder)
            let scene = SceneGenerator(seed: 4)
            for index in 0..<40 {
                try folder.write(PNGFile.encoded(scene.scene(index).pixels), to: "new/\(index).png")
            }
            func arguments(_ output: String) -> [String] {
                [
                    "segment", "--device", "cpu", "--threads", "1", "--weights", folder.file("out"), "--predict",
                    folder.file("new"), "--output", folder.file(output),
                ]
            }
            func maps(_ output: String) -> [String] {
                ((try? FileManager.default.contentsOfDirectory(atPath: folder.file("\(output)/labels"))) ?? []).filter {
                    $0.hasSuffix(".png")
                }.sorted()
            }
            let part = try RunningProgram(arguments("part"))
            _ = part.wait(until: { maps("part").count > 2 })
            part.send(SIGKILL)
            _ = part.wait()
            for output in ["part", "whole"] {
                let run = try ProgramRun.of(arguments(output))
                try #require(run.exitCode == 0, "\(run)")
            }
            #expect(maps("part").count == 40 && maps("part") == maps("whole"))
            for name in maps("whole") {
                #expect(try folder.data("part/labels/\(name)") == folder.data("whole/labels/\(name)"), "\(name)")
            }
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        try withTemporaryFolder { folder in
            try Self.train(folder)
            try folder.write(TinyRun.bitmap(width: 24, height: 20, seed: 1), to: "new/a.bmp")
            try folder.write(TinyRun.bitmap(width: 24, height: 20, seed: 2), to: "twice/a.bmp")
            try folder.write(TinyRun.bitmap(width: 24, height: 20, seed: 3), to: "twice/a.png")
            try folder.write("mine", to: "full/notes.txt")
            try folder.write("a\nb\nc\n", to: "three.txt")
            for (arguments, words) in [
                (["--weights", "weights", "--predict", "new", "--output", "maps"], "holds no trained segmenter"),
                (["--weights", "out", "--predict", "new"], "--output"),
                (["--weights", "out", "--predict", "new", "--output", "full"], "is not empty"),
                (["--weights", "out", "--predict", "new", "--output", "new/maps"], "taken for images"),
                (["--weights", "out", "--data", "data", "--overlays"], "belongs to --predict"),
                (["--weights", "out", "--data", "data", "--head", "knn"], "trained already"),
                (["--weights", "out", "--head", "linear", "--predict", "new", "--output", "maps"], "--predict"),
                (["--weights", "out"], "--data"),
                (["--weights", "out", "--data", "data", "--set", "length=3 steps"], "cannot change"),
                (["--weights", "out", "--data", "data", "--set", "data.classList=three.txt"], "names 3 classes"),
                (["--weights", "out", "--data", "data", "--classes", "3"], "was trained on 2"),
            ] {
                let run = try ProgramRun.of(["segment"] + arguments, folder: folder.file(""))
                #expect(run.exitCode == 64 && run.errors.contains(words) && run.output.isEmpty, "\(arguments): \(run)")
            }
            let twice = try Self.segment(folder, "--weights", "out", "--predict", "twice", "--output", "maps")
            #expect(twice.exitCode == 1 && twice.errors.contains("a.bmp and a.png would both"), "\(twice)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("maps")))
            // Labels that the head does not know are named before anything is scored.
            let map = Pixels(height: 32, width: 32, channels: 1, bytes: [UInt8](repeating: 7, count: 1024))
            try folder.write(PNGFile.encoded(map), to: "data/annotations/validation/9.png")
            let unknown = try Self.segment(folder, "--weights", "out", "--data", "data")
            #expect(unknown.exitCode == 1 && unknown.errors.contains("9.png holds 7"), "\(unknown)")
        }
    }

    @Test func aDamagedSegmenterIsRefused() throws {
        try withTemporaryFolder { folder in
            try Self.train(folder)
            let whole = try folder.data("out/segmenter.safetensors")
            var flipped = whole
            flipped[flipped.count - 9] ^= 64
            for (name, data) in [("flipped", flipped), ("short", whole.prefix(whole.count / 2))] {
                try folder.write(data, to: "\(name).safetensors")
                let run = try Self.segment(folder, "--weights", "\(name).safetensors", "--data", "data")
                #expect(run.exitCode == 1 || run.exitCode == 64, "\(run)")
                #expect(run.errors.contains("\(name).safetensors") && run.output.isEmpty, "\(run)")
            }
        }
    }
}
