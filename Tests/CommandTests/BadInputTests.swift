import Foundation
import TestSupport
import Testing

/// What a user may get wrong about a run: each answer says what, where and what to do, with exit code 1 or 64.
@Suite struct BadInputTests {
    func refused(_ run: ProgramRun, _ exitCode: Int32, _ words: String..., line: Int = #line) {
        #expect(run.exitCode == exitCode, "line \(line): \(run)")
        #expect(run.output.isEmpty, "line \(line): \(run)")
        for word in words { #expect(run.errors.contains(word), "line \(line): '\(word)' is not in: \(run)") }
        for word in ["Fatal", "Swift/", "Stack dump", "Error(", "NSError", "0x0"] {
            #expect(!run.errors.contains(word), "line \(line): \(run)")
        }
        #expect(run.errors.split(separator: "\n").count < 30, "line \(line): \(run)")
    }

    @Test func dataThatIsNotThere() throws {
        try withTemporaryFolder { folder in
            let out = folder.file("run")
            func pretrain(_ data: String) throws -> ProgramRun {
                try ProgramRun.of("pretrain", "--preset", "nano-photos", "--data", data, "--output", out)
            }
            refused(try pretrain(folder.file("none")), 1, folder.file("none"))
            try FileManager.default.createDirectory(atPath: folder.file("empty"), withIntermediateDirectories: true)
            refused(try pretrain(folder.file("empty")), 1, folder.file("empty"))
            try folder.write("text", to: "texts/a.txt")
            refused(try pretrain(folder.file("texts")), 1, folder.file("texts"), "image")
            refused(try pretrain(folder.file("texts/a.txt")), 1, "a.txt")
            #expect(!FileManager.default.fileExists(atPath: out), "nothing is made before the data are found")
            refused(try ProgramRun.of("pretrain", "--preset", "nano-photos", "--output", out), 64, "--data")
            refused(try ProgramRun.of("pretrain", "--data", folder.path), 64, "--output", "--resume")
        }
    }

    @Test func dataThatDoNotFit() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder, images: 1)
            refused(try tiny.run("a"), 64, "schedule.batchSize is 4", "only 1 images", "--batch 1")
            let one = try tiny.run("one", ["schedule.length=2 steps"], options: ["--batch", "1"])
            #expect(one.exitCode == 0, "one image is enough for a batch of one: \(one)")

            try folder.write("no image", to: "broken/a.png")
            try folder.write("no image", to: "broken/b.jpg")
            refused(
                try tiny.run("b", ["data.folder=\(folder.file("broken"))", "schedule.batchSize=2"]), 1, "2 images",
                "skipped-files.txt")
            // One is one too many: whichever is met first ends the run.
            #expect(try tiny.text("b/skipped-files.txt").contains("\tnot_an_image\t"))

            for index in 0..<3 {
                try folder.write(TinyRun.bitmap(width: 3, height: 2, seed: index), to: "small/\(index).bmp")
            }
            refused(
                try tiny.run("c", ["data.folder=\(folder.file("small"))", "schedule.batchSize=2"]), 1, "3 x 2 pixels",
                "smaller than a patch")
        }
    }

    @Test func settingsThatCannotBe() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            func set(_ assignments: String...) throws -> ProgramRun { try tiny.run("run", assignments) }
            refused(try set("objective.patchWeigth=1"), 64, "Did you mean 'objective.patchWeight'?")
            refused(try set("model.width=wide"), 64, "a whole number such as", "'wide'")
            refused(try set("model.width=-16"), 64, "model.width is -16")
            refused(try set("objective.positiveCount=9"), 64, "only 8 neighbours", "objective.window=5")
            refused(try set("model.patchSize=5"), 64, "does not divide", "would do")
            refused(try set("views.localSize=[2, 2]"), 64, "smaller than a patch")
            refused(try set("optimizer.warmup=90 steps"), 64, "longer than the run")
            refused(try set("objective.border=around"), 64, "'wrap', 'inside'")
            refused(try tiny.run("run", options: ["--precision", "fp16"]), 64, "'auto', 'float32', 'bf16'")
            refused(try tiny.run("run", options: ["--device", "gpu"]), 64, "'gpu'", "cuda")
            refused(try tiny.run("run", options: ["--batch", "many"]), 64, "'many'")
            refused(try tiny.run("run", options: ["--time-limit", "soon"]), 64, "soon")
            refused(try tiny.run("run", options: ["--preset", "nano"]), 64, "nano-photos")
            refused(try tiny.run("run", options: ["--config", folder.file("no.yaml")]), 1, "no.yaml")
            try folder.write("model:\n  widht: 3\n", to: "bad.yaml")
            refused(
                try tiny.run("run", options: ["--config", folder.file("bad.yaml")]), 64, "bad.yaml, line 2",
                "model.width")
            #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
        }
    }

    @Test func aDeviceThatIsNotThere() throws {
        guard !FileManager.default.fileExists(atPath: "/dev/nvidia0") else { return }
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            refused(try tiny.run("run", options: ["--device", "cuda"]), 1, "'cuda'", "--device cpu")
        }
    }

    @Test func foldersThatCannotBeUsed() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("a", ["schedule.length=2 steps", "optimizer.warmup=1 steps"]).exitCode == 0)
            refused(try tiny.run("a"), 64, "holds another run already", "--resume")
            try folder.write("x", to: "file")
            refused(try tiny.run("file"), 64, "is a file")
            refused(try tiny.run("file/below"), 1, "a part of this path is a file")
            refused(try tiny.resume("nowhere"), 1, "nowhere", "no such file or folder")
            refused(try tiny.resume("images"), 64, "holds no run")
            refused(try tiny.resume("a", ["--output", "b"]), 64, "--resume")
            // A place where not even root may write.
            let sealed = try ProgramRun.of(
                [
                    "pretrain", "--preset", "nano-photos", "--data", tiny.images, "--output", "/sys/selfpatch-run",
                    "--batch", "2",
                ])
            refused(sealed, 1, "/sys/selfpatch-run")
        }
    }

    @Test func aLossThatIsNoNumberNamesTheImages() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let run = try tiny.run("a", ["views.deviation=[1e-300, 1, 1]"])
            refused(run, 1, "Step 1 is not a number", ".bmp", "learningRate", "No checkpoint had been saved before")
            #expect(try tiny.text("a/log.txt").contains(".bmp"))
        }
    }

    @Test func settingsArePrintedWithTheirMeaning() throws {
        let run = try ProgramRun.of("settings")
        #expect(run.exitCode == 0 && run.errors.isEmpty)
        #expect(run.output.contains("# Weight of the patch loss") && run.output.contains("  patchWeight: 0.1\n"))
        try withTemporaryFolder { folder in
            let nano = try ProgramRun.of("settings", "--preset", "nano-photos")
            try folder.write(nano.output, to: "nano.yaml")
            let tiny = try TinyRun(in: folder)
            let same = try ProgramRun.of(
                tiny.arguments(output: "a", ["schedule.length=2 steps"]) + ["--config", folder.file("nano.yaml")])
            #expect(same.exitCode == 0, "\(same)")
        }
        let presets = try ProgramRun.of("settings", "--presets")
        for word in ["vit-small-imagenet", "nano-photos", "trains:", "command:", "time:", "memory:"] {
            #expect(presets.output.contains(word))
        }
        let json = try ProgramRun.of("settings", "--json")
        #expect(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) is [String: Any])
        refused(try ProgramRun.of("settings", "--preset", "nono-photos"), 64, "Did you mean 'nano-photos'?")
    }
}
