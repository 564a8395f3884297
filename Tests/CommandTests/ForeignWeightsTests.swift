import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// Weights of other programs in the built program: import, inspect, and as the start of a run.
@Suite struct ForeignWeightsTests {
    /// A timm network of the tiny run's sizes: width 16, two blocks, patches of 4 for 16 x 16 pixels, a class token.
    static func writeTimm(in folder: TemporaryFolder, _ name: String = "timm") throws -> String {
        let (width, hidden) = (16, 64)
        var shapes: [(String, [Int])] = [
            ("cls_token", [1, 1, width]), ("pos_embed", [1, 17, width]), ("patch_embed.proj.weight", [width, 3, 4, 4]),
            ("patch_embed.proj.bias", [width]), ("norm.weight", [width]), ("norm.bias", [width]),
            ("head.weight", [5, width]), ("head.bias", [5]),
        ]
        for block in 0..<2 {
            for (layer, input, output) in [
                ("attn.qkv", width, 3 * width), ("attn.proj", width, width), ("mlp.fc1", width, hidden),
                ("mlp.fc2", hidden, width),
            ] {
                shapes.append(("blocks.\(block).\(layer).weight", [output, input]))
                shapes.append(("blocks.\(block).\(layer).bias", [output]))
            }
            for norm in ["norm1", "norm2"] {
                shapes.append(("blocks.\(block).\(norm).weight", [width]))
                shapes.append(("blocks.\(block).\(norm).bias", [width]))
            }
        }
        let items = shapes.enumerated().map { index, shape in
            SafetensorsWriter.Item(name: shape.0, elementType: .f32, shape: shape.1) { body in
                let count = shape.1.reduce(1, *)
                let values = (0..<count).map { Float(sin(Double($0 * 7 + index))) * 0.1 }
                try values.withUnsafeBytes(body)
            }
        }
        try folder.write(
            #"{"architecture": "vit_mine", "model_args": {"num_heads": 2, "img_size": 16, "patch_size": 4}}"#,
            to: name + "/config.json")
        try SafetensorsWriter.write(items, metadata: [:], to: folder.file(name + "/model.safetensors"))
        return folder.file(name)
    }

    @Test func importWritesAFileThatSaysAllOfItself() throws {
        try withTemporaryFolder { folder in
            let timm = try Self.writeTimm(in: folder)
            let output = folder.file("w.safetensors")
            let run = try ProgramRun.of("import", timm, "--output", output)
            #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run)")
            for words in ["2 heads of attention: model_args in config.json", "Left out", "head.weight", output] {
                #expect(run.output.contains(words), "\(run)")
            }
            let json = try ProgramRun.of("import", output, "--output", folder.file("again.safetensors"), "--json")
            #expect(json.output.contains(#""origin" : "timm""#), "\(json)")
            #expect(
                try Data(contentsOf: URL(filePath: output))
                    == Data(contentsOf: URL(filePath: folder.file("again.safetensors"))))

            let wrong = try ProgramRun.of("import", timm, "--output", folder.file("no"), "--heads", "4")
            #expect(wrong.exitCode == 64 && wrong.errors.contains("config.json"), "\(wrong)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("no")))
            let none = try ProgramRun.of("import", folder.file("nowhere"), "--output", folder.file("no"))
            #expect(none.exitCode == 64 && none.errors.contains("nowhere"), "\(none)")
            let student = try ProgramRun.of("import", timm, "--output", folder.file("no"), "--key", "student")
            #expect(student.exitCode == 64 && student.errors.contains("student"), "\(student)")
        }
    }

    /// The file as it is, and as it was imported, give the same scores.
    @Test func foreignWeightsDoWhereverWeightsStand() throws {
        try withTemporaryFolder { folder in
            let timm = try Self.writeTimm(in: folder)
            for index in 0..<8 {
                try folder.write(
                    TinyRun.bitmap(width: 24, height: 20, seed: index), to: "images/kind \(index % 2)/\(index).bmp")
            }
            let images = folder.file("images")
            let output = folder.file("w.safetensors")
            #expect(try ProgramRun.of("import", timm, "--output", output).exitCode == 0)
            let scores = try [timm, output].map { weights in
                let run = try ProgramRun.of(
                    "knn", "--weights", weights, "--train", images, "--val", images, "--neighbors", "1", "--threads",
                    "1")
                #expect(run.exitCode == 0 && run.output.contains("Vision Transformer of timm"), "\(run)")
                return run.output.split(separator: "\n").dropFirst().joined()
            }
            #expect(scores[0] == scores[1])
            let probe = try ProgramRun.of(
                "linear", "--weights", timm, "--heads", "2", "--train", images, "--val", images, "--output",
                folder.file("probe"), "--epochs", "1", "--batch", "4", "--rate", "0.1", "--threads", "1")
            #expect(probe.exitCode == 0 && probe.errors.contains("2 heads of attention"), "\(probe)")
            let misled = try ProgramRun.of(
                "linear", "--weights", timm, "--heads", "4", "--train", images, "--val", images, "--output",
                folder.file("no"), "--epochs", "1", "--batch", "4")
            #expect(misled.exitCode == 64 && misled.errors.contains("config.json"), "\(misled)")
        }
    }

    /// A run that begins with other weights goes on, and begins again, as if it had never stopped.
    @Test func runsBeginWithOtherWeights() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            let timm = try Self.writeTimm(in: folder)
            let short = ["schedule.length=4 steps", "run.checkpointEvery=2 steps", "optimizer.warmup=1 steps"]
            let plain = try tiny.run("plain", short)
            let run = try tiny.run("a", short, options: ["--initialise-from", timm])
            #expect(plain.exitCode == 0 && run.exitCode == 0, "\(run)")
            for words in ["Left out", "backbone.cls_token", "Freshly made: ca_head", "Vision Transformer of timm"] {
                #expect(run.errors.contains(words), "\(run)")
            }
            let metrics = try tiny.data("a/metrics.jsonl")
            #expect(try metrics != tiny.data("plain/metrics.jsonl"))
            #expect(try tiny.text("a/settings.yaml").contains(timm))
            let weights = try tiny.data("a/weights.safetensors")

            // From its first checkpoint, and from none at all.
            let manager = FileManager.default
            for kept in [["step-000000002.safetensors"], []] {
                for name in tiny.checkpoints("a") where !kept.contains(name) {
                    try manager.removeItem(atPath: folder.file("a/checkpoints/" + name))
                }
                try manager.removeItem(atPath: folder.file("a/weights.safetensors"))
                let resumed = try tiny.resume("a")
                #expect(resumed.exitCode == 0, "\(resumed)")
                #expect(try tiny.data("a/metrics.jsonl") == metrics)
                #expect(try tiny.data("a/weights.safetensors") == weights)
            }
            let other = try tiny.resume("a", ["--initialise-from", folder.file("plain")])
            #expect(other.exitCode == 64 && other.errors.contains("--initialise-from"), "\(other)")

            // The run before its first step is these weights, not drawn ones; a finished run will do as a start too.
            let next = try tiny.run("b", short, options: ["--initialise-from", folder.file("a")])
            #expect(next.exitCode == 0 && !next.errors.contains("Left out"), "\(next)")
            let misfit = try tiny.run("c", short + ["model.depth=3"], options: ["--initialise-from", timm])
            #expect(misfit.exitCode == 64 && misfit.errors.contains("--set model.depth=2"), "\(misfit)")
            #expect(!manager.fileExists(atPath: folder.file("c")), "nothing is made before the weights fit")
        }
    }

    @Test func inspectTellsWhatAFileIs() throws {
        try withTemporaryFolder { folder in
            let timm = try Self.writeTimm(in: folder)
            let run = try ProgramRun.of("inspect", timm)
            #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run)")
            for words in [
                "a Vision Transformer of timm", "safetensors", "0 to 1, each", "qkv", "F32 [48, 16]",
                "cls_token  F32 [1, 1, 16]",
                "not compared",
            ] { #expect(run.output.contains(words), "'\(words)' is not in \(run)") }
            let verified = try ProgramRun.of("inspect", timm, "--verify")
            #expect(verified.output.contains("compared and right"), "\(verified)")
            let json = try ProgramRun.of("inspect", timm, "--json")
            let document = try JSONDecoder().decode(JSONValue.self, from: Data(json.output.utf8))
            #expect(document["origin"]?.string == "timm" && document["tensors"]?.array?.count == 32)
            #expect(document["architecture"]?["width"]?.int == 16)

            // A damaged byte shows when it is asked for.
            var bytes = try Data(contentsOf: URL(filePath: timm + "/model.safetensors"))
            bytes[bytes.count - 3] ^= 1
            try folder.write(bytes, to: "timm/model.safetensors")
            #expect(try ProgramRun.of("inspect", timm).exitCode == 0)
            let damaged = try ProgramRun.of("inspect", timm, "--verify")
            #expect(damaged.exitCode == 1 && damaged.errors.contains("is damaged"), "\(damaged)")
        }
    }

    @Test func inspectTellsOfRunsAndOfStrangers() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("a", ["schedule.length=2 steps", "optimizer.warmup=1 steps"]).exitCode == 0)
            let run = try ProgramRun.of("inspect", folder.file("a"))
            #expect(run.output.contains("selfpatch's own weights") && run.output.contains("Step 2."), "\(run)")
            let checkpoint = folder.file("a/checkpoints/" + (tiny.checkpoints("a").last ?? ""))
            let whole = try ProgramRun.of("inspect", checkpoint)
            #expect(whole.output.contains("teacher") && whole.output.contains("optimizer"), "\(whole)")

            let values: [Float] = [1, 2]
            let name = "deep." + Array(repeating: "a", count: 3_000).joined(separator: ".")
            let items = [name, "odd\u{1B}[31m"].map { name in
                SafetensorsWriter.Item(name: name, elementType: .f32, shape: [2]) { try values.withUnsafeBytes($0) }
            }
            try SafetensorsWriter.write(items, metadata: [:], to: folder.file("s.safetensors"))
            let stranger = try ProgramRun.of("inspect", folder.file("s.safetensors"))
            #expect(stranger.exitCode == 0 && stranger.output.contains("no Vision Transformer"), "\(stranger.errors)")
            #expect(!stranger.output.contains("\u{1B}") && stranger.output.contains("odd\\u{1B}[31m"))
        }
    }
}
