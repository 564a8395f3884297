import Foundation
import TestSupport
import Testing

/// `selfpatch pack`, and runs on what it makes.
@Suite struct PackTests {
    @Test func aRunOnShardsGoesOnAsIfNeverStopped() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            try folder.write("no image", to: "images/broken.png")
            let packed = try ProgramRun.of("pack", tiny.images, "--output", folder.file("s.tar"), "--json")
            #expect(packed.exitCode == 0, "\(packed)")
            #expect(packed.errors.contains("left out: broken.png"))
            let report = try JSONSerialization.jsonObject(with: Data(packed.output.utf8)) as? [String: Any]
            #expect(report?["images"] as? Int == 10 && report?["isFinished"] as? Bool == true)

            let shards = folder.file("s-000000.tar")
            let checked = try ProgramRun.of("check-data", shards)
            #expect(checked.exitCode == 0 && checked.output.contains("10 readable: 10 BMP"), "\(checked)")

            let settings = ["data.folder=\(shards)", "data.window=4", "schedule.length=60 steps"]
            #expect(try tiny.run("whole", settings).exitCode == 0)
            let running = try tiny.start("stopped", settings)
            #expect(running.wait { tiny.steps("stopped") >= 5 })
            running.send(SIGTERM)
            #expect(running.wait().exitCode == 128 + SIGTERM)
            #expect(try tiny.resume("stopped").exitCode == 0)
            #expect(try tiny.text("stopped/metrics.jsonl") == tiny.text("whole/metrics.jsonl"))
            #expect(try tiny.data("stopped/weights.safetensors") == tiny.data("whole/weights.safetensors"))
        }
    }

    @Test func whatCannotBePackedIsSaid() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let missing = try ProgramRun.of("pack", tiny.images, "--output", folder.file("none/s.tar"))
            #expect(missing.exitCode == 1 && missing.errors.contains("There is no folder"), "\(missing)")
            #expect(try ProgramRun.of("pack", tiny.images, "--output", folder.file("s")).exitCode == 0)
            let taken = try ProgramRun.of("pack", tiny.images, "--output", folder.file("s"))
            #expect(taken.exitCode == 1 && taken.errors.contains("s-000000.tar already"), "\(taken)")
            try folder.write("no image", to: "empty/a.png")
            let nothing = try ProgramRun.of("pack", folder.file("empty"), "--output", folder.file("n"))
            #expect(nothing.exitCode == 1 && nothing.output.contains("No image to pack"), "\(nothing)")
            try folder.write(TinyRun.bitmap(width: 5, height: 5, seed: 1), to: "flat/a.bmp")
            let flat = try ProgramRun.of("pack", folder.file("flat"), "--output", folder.file("f"), "--classes")
            #expect(flat.exitCode == 64 && flat.errors.contains("no class"), "\(flat)")
        }
    }
}
