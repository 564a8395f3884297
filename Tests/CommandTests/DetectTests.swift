import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// `selfpatch detect` from training to what is found, on drawn rectangles and a network of width 16.
@Suite struct DetectTests {
    private static func prepare(_ folder: TemporaryFolder, masks: Bool = true) throws -> DrawnDetection {
        let run = try TinyRun(in: folder).run("weights", ["schedule.length=4 steps"])
        try #require(run.exitCode == 0, "\(run)")
        return try DrawnDetection(in: folder, masks: masks)
    }

    private static func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
        try String(contentsOfFile: folder.file(name), encoding: .utf8)
    }

    private static func list(_ folder: TemporaryFolder, _ name: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    }

    @Test func aStoppedRunGoesOnAsIfItNeverStopped() throws {
        try withTemporaryFolder { folder in
            let drawn = try Self.prepare(folder)
            let more = ["scoreEvery=5 steps", "atOnce=1"]
            let whole = try ProgramRun.of(drawn.arguments(weights: folder.file("weights"), output: "whole", more))
            try #require(whole.exitCode == 0, "\(whole)")
            let part = try RunningProgram(drawn.arguments(weights: folder.file("weights"), output: "part", more))
            let metrics = folder.file("part/metrics.jsonl")
            _ = part.wait(until: {
                (FileManager.default.contents(atPath: metrics)?.filter { $0 == UInt8(ascii: "\n") }.count ?? 0) > 6
            })
            part.send(SIGKILL)
            _ = part.wait()
            let resumed = try ProgramRun.of("detect", "--resume", folder.file("part"))
            try #require(resumed.exitCode == 0, "\(resumed)")
            for file in ["metrics.jsonl", "boxes.json", "masks.json"] {
                #expect(try Self.text(folder, "part/\(file)") == Self.text(folder, "whole/\(file)"), "\(file)")
            }
            let lines = try Self.text(folder, "whole/metrics.jsonl")
            for name in ["objectness", "proposals", "classes", "boxes", "masks"] {
                #expect(lines.contains("\"loss.\(name)\""), "\(name)")
            }
            #expect(lines.contains("\"bbox.AP\"") && lines.contains("\"segm.AP\""))
        }
    }

    @Test func whatIsTrainedScoresAndFinds() throws {
        try withTemporaryFolder { folder in
            let drawn = try Self.prepare(folder)
            let run = try ProgramRun.of(
                drawn.arguments(weights: folder.file("weights"), output: "out") + ["--json"])
            try #require(run.exitCode == 0, "\(run)")
            for name in ["predictions.png", "detector.safetensors", "results.txt", "log.txt", "settings.yaml"] {
                #expect(FileManager.default.fileExists(atPath: folder.file("out/\(name)")), "\(name)")
            }
            // Boxes and masks are lists of their own, so that masks are scored by their own areas.
            let (boxes, masks) = (try Self.list(folder, "out/boxes.json"), try Self.list(folder, "out/masks.json"))
            #expect(!boxes.isEmpty && boxes.count == masks.count)
            #expect(boxes.allSatisfy { $0["bbox"] != nil && $0["segmentation"] == nil })
            #expect(masks.allSatisfy { $0["bbox"] == nil && $0["segmentation"] != nil })
            #expect(Set(boxes.compactMap { $0["category_id"] as? Int }).isSubset(of: [2, 7]))

            // The saved detector finds the same again, and the lists score as the run said.
            let again = try ProgramRun.of(
                "detect", "--weights", folder.file("out"), "--data", drawn.path, "--output", folder.file("again"),
                "--device", "cpu", "--threads", "1")
            try #require(again.exitCode == 0, "\(again)")
            for file in ["boxes.json", "masks.json"] {
                #expect(try Self.text(folder, "again/\(file)") == Self.text(folder, "out/\(file)"), "\(file)")
            }
            let table = try Self.text(folder, "again/results.txt").split(separator: "\n").dropFirst()
            #expect(try Array(table) == Array(Self.text(folder, "out/results.txt").split(separator: "\n").dropFirst()))
            let scored = try ProgramRun.of(
                "detect", "--score", folder.file("out/boxes.json"), "--data", drawn.path)
            try #require(scored.exitCode == 0, "\(scored)")
            let precision = table.first { $0.hasPrefix("AP ") }.map { $0.split(separator: " ")[1] }
            let other = scored.output.split(separator: "\n").first { $0.hasPrefix("AP ") }.map {
                $0.split(separator: " ")[1]
            }
            #expect(precision != nil && precision == other, "\(scored.output)")

            // A picture of any shape, and a folder with one that cannot be read.
            let flat = Pixels(height: 3, width: 700, channels: 3, bytes: [UInt8](repeating: 50, count: 6_300))
            try folder.write(PNGFile.encoded(flat), to: "photos/flat.png")
            try folder.write("no picture", to: "photos/broken.png")
            try FileManager.default.copyItem(
                atPath: drawn.path + "/images/1.png", toPath: folder.file("photos/one.png"))
            let found = try ProgramRun.of(
                "detect", "--weights", folder.file("out"), "--predict", folder.file("photos"), "--output",
                folder.file("found"), "--device", "cpu")
            try #require(found.exitCode == 0, "\(found)")
            #expect(found.errors.contains("left out: broken.png") && found.output.contains("2 pictures"), "\(found)")
            #expect(FileManager.default.fileExists(atPath: folder.file("found/pictures/one.png")))
            let first = try Self.list(folder, "found/boxes.json").filter { $0["image_id"] as? Int == 3 }
            let score = try #require(first.first?["score"] as? Double)
            #expect(boxes.contains { $0["image_id"] as? Int == 1 && $0["score"] as? Double == score })
            let taken = try ProgramRun.of(
                "detect", "--weights", folder.file("out"), "--predict", folder.file("photos"), "--output",
                folder.file("found"))
            #expect(taken.exitCode == 64 && taken.errors.contains("not empty"), "\(taken)")
            let within = try ProgramRun.of(
                "detect", "--weights", folder.file("out"), "--predict", folder.file("photos"), "--output",
                folder.file("photos/found"))
            #expect(within.exitCode == 64 && within.errors.contains("lies in"), "\(within)")

            // A file that is not what it says it is, damaged or lying.
            let file = folder.file("out/detector.safetensors")
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            var lying = bytes
            let width = try #require(bytes.firstRange(of: Data("channels\\\":8".utf8)))
            lying.replaceSubrange(width.upperBound - 1..<width.upperBound, with: Data("9".utf8))
            let checksum = try #require(bytes.firstRange(of: Data("crc32".utf8)))
            lying.replaceSubrange(checksum, with: Data("crc33".utf8))
            try lying.write(to: URL(fileURLWithPath: file))
            let scoringOnce = ["detect", "--weights", folder.file("out"), "--data", drawn.path]
            let contradicted = try ProgramRun.of(scoringOnce)
            #expect(contradicted.exitCode == 1 && contradicted.errors.contains("describes"), "\(contradicted)")
            try bytes.prefix(500).write(to: URL(fileURLWithPath: file))
            let damaged = try ProgramRun.of(scoringOnce)
            #expect(damaged.exitCode == 1 && damaged.errors.contains("detector.safetensors"), "\(damaged)")
        }
    }

    /// Pictures of one size, each with two objects, so that all that grows from one picture to three is counted.
    @Test func aStepTakesNoMoreMemoryThanIsSaid() throws {
        try withTemporaryFolder { folder in
            let drawn = try Self.prepare(folder)
            func megabytes(_ pictures: Int) throws -> (said: Double, taken: Double) {
                let output = "out-\(pictures)"
                let run = try ProgramRun.of(
                    drawn.arguments(
                        weights: folder.file("weights"), output: output,
                        [
                            "views.shortSides=[300]", "views.longSide=400", "views.crop=0", "model.channels=64",
                            "model.hiddenWidth=64", "batchSize=\(pictures)", "atOnce=\(pictures)",
                            "length=2 steps",
                        ]))
                try #require(run.exitCode == 0, "\(run)")
                let log = try Self.text(folder, "\(output)/log.txt")
                let (said, taken) = (
                    log.firstMatch(of: /takes up to (\d+) MB/), log.firstMatch(of: /took up to (\d+) MB/)
                )
                return try (#require(said.flatMap { Double($0.1) }), #require(taken.flatMap { Double($0.1) }))
            }
            let (one, three) = (try megabytes(1), try megabytes(3))
            #expect(one.said >= one.taken && three.said >= three.taken, "\(one), \(three)")
            let growth = (three.said - one.said) / (three.taken - one.taken)
            #expect(three.taken > one.taken + 50 && growth > 0.9 && growth < 1.5, "\(one), \(three)")
        }
    }

    @Test func withoutMasksBoxesAloneAreLearnt() throws {
        try withTemporaryFolder { folder in
            let drawn = try Self.prepare(folder, masks: false)
            let run = try ProgramRun.of(
                drawn.arguments(weights: folder.file("weights"), output: "out", ["model.isFrozen=true", "atOnce=2"]))
            try #require(run.exitCode == 0, "\(run)")
            #expect(run.errors.contains("boxes alone are learnt"), "\(run)")
            #expect(try Self.text(folder, "out/settings.yaml").contains("masks: false"))
            #expect(!FileManager.default.fileExists(atPath: folder.file("out/masks.json")))
            let file = try SafetensorsFile(path: folder.file("out/detector.safetensors"))
            #expect(file["backbone.pos_embed"] != nil && file["masks.logits.weight"] == nil)
        }
    }

    @Test func mistakesAreNamedBeforeAnythingIsWritten() throws {
        try withTemporaryFolder { folder in
            let drawn = try Self.prepare(folder)
            let weights = folder.file("weights")
            func refused(_ arguments: [String], _ words: String, _ code: Int32 = 1) throws {
                let run = try ProgramRun.of(arguments)
                #expect(run.exitCode == code && run.errors.contains(words), "\(words): \(run)")
                #expect(!FileManager.default.fileExists(atPath: folder.file("out")), "\(words)")
            }
            func arguments(_ more: String...) -> [String] {
                drawn.arguments(weights: weights, output: "out", more)
            }
            try refused(arguments() + ["--classes", "rde"], "Did you mean 'red'", 64)
            try refused(arguments() + ["--split", "test"], "no file instances_test.json", 64)
            try refused(arguments("batchSize=7", "atOnce=1"), "at most 6", 64)
            try refused(arguments("atOnce=3"), "atOnce is 3", 64)
            try refused(arguments("run.timeLimit=1e30"), "run.timeLimit is 1e+30", 64)
            try refused(arguments("model.blocks=[1, 2]"), "model.blocks", 64)
            try refused(arguments("views.shortSides=[]"), "views.shortSides is empty", 64)
            try refused(arguments("optimizer.learningrate=1"), "Did you mean 'optimizer.learningRate'", 64)
            try refused(
                ["detect", "--weights", weights, "--data", folder.file("images"), "--output", folder.file("out")],
                "annotations", 64)
            try refused(
                ["detect", "--weights", weights, "--predict", "x", "--output", folder.file("out")],
                "no trained detector", 64)
            try refused(["detect", "--weights", weights, "--data", drawn.path], "--output", 64)

            try FileManager.default.removeItem(atPath: drawn.path + "/images/3.png")
            try folder.write("no picture", to: "data/images/4.png")
            try refused(arguments(), "image 3, 3.png,")
            try refused(arguments(), "image 4, 4.png,")
            try drawn.write("val", images: [], annotations: [])
            try refused(arguments(), "lists no image")
            let image: [String: Any] = ["id": 1, "file_name": "1.png", "height": 48, "width": 64]
            try drawn.write("val", images: [image], annotations: [], categories: [["id": 2, "name": "red"]])
            try refused(arguments(), "The classes of train and val differ")
            try drawn.write("train", images: [image], annotations: [])
            try drawn.write("val", images: [image], annotations: [])
            try refused(arguments(), "No picture of train has an object")
            let crowd: [String: Any] = [
                "id": 1, "image_id": 1, "category_id": 2, "iscrowd": 1, "bbox": [4, 6, 18, 14], "area": 252,
                "segmentation": ["size": [48, 64], "counts": [0, 9, 3_063]],
            ]
            try drawn.write("train", images: [image], annotations: [crowd])
            try refused(arguments(), "1 crowd regions")
        }
    }
}
