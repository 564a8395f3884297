import Foundation
import SelfPatchFormats
import TestSupport
import Testing

/// `selfpatch export` in the built program; what is in the files is tested where they are made.
@Suite struct ExportTests {
    @Test func exportSaysWhatTheOtherProgramMustBeTold() throws {
        try withTemporaryFolder { folder in
            let timm = try ForeignWeightsTests.writeTimm(in: folder)
            let out = folder.file("out")
            let run = try ProgramRun.of("export", "--weights", timm, "--to", "timm", "--output", out)
            #expect(run.exitCode == 0 && run.output.contains("local-dir:\(out)"), "\(run)")
            #expect(run.output.contains("num_heads=2") && run.output.contains("Written to"), "\(run)")
            // What was exported is what was imported.
            let scores = try [timm, out].map { path in
                let file = folder.file("w.safetensors")
                #expect(try ProgramRun.of("import", path, "--output", file).exitCode == 0)
                return try SafetensorsFile(path: file).entries.map(\.name).count
            }
            #expect(scores[0] == scores[1])

            let onnx = try ProgramRun.of(
                "export", "--weights", timm, "--to", "onnx", "--output", folder.file("a.onnx"), "--size", "20x16",
                "--type", "float16", "--json")
            let document = try JSONDecoder().decode(JSONValue.self, from: Data(onnx.output.utf8))
            #expect(document["format"]?.string == "onnx", "\(onnx)")
            #expect(document["notes"]?.array?.first?.string?.hasPrefix("images [batch, 3, 20, 16] float16") == true)
        }
    }

    @Test func exportRefusesWhatCannotBe() throws {
        try withTemporaryFolder { folder in
            let timm = try ForeignWeightsTests.writeTimm(in: folder)
            for (arguments, words) in [
                (["--to", "authors"], "class token"), (["--to", "timm", "--size", "224"], "--to onnx"),
                (["--to", "onnx", "--size", "2x2"], "no patch"), (["--to", "onnx", "--size", "0x4"], "0x4"),
                (["--to", "tflite"], "mmseg-authors"),
            ] {
                let run = try ProgramRun.of(
                    ["export", "--weights", timm, "--output", folder.file("no")] + arguments)
                #expect(run.exitCode == 64 && run.errors.contains(words), "\(run)")
                #expect(!FileManager.default.fileExists(atPath: folder.file("no")))
            }
        }
    }
}
