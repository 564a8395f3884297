import Foundation
import TestSupport
import Testing

/// Names of one character in the working folder, which Foundation's own way of splitting paths cannot bear.
@Suite struct ShortNameTests {
    @Test func everyCommandTakesNamesOfOneCharacter() throws {
        try withTemporaryFolder { folder in
            let tiny = try TinyRun(in: folder)
            #expect(try tiny.run("r").exitCode == 0)
            try FileManager.default.copyItem(atPath: folder.file("r/weights.safetensors"), toPath: folder.file("w"))
            try FileManager.default.copyItem(atPath: tiny.images, toPath: folder.file("i"))
            try folder.write(TinyRun.bitmap(width: 24, height: 20, seed: 1), to: "b")
            for command in [
                ["inspect", "w"], ["inspect", "r"], ["check-data", "i"],
                ["export", "--weights", "w", "--to", "safetensors", "--output", "e"],
                ["import", "w", "--output", "m"],
                ["preview-views", "b", "--output", "p"],
                ["pack", "i", "--output", "s"],
                ["embed", "i", "--weights", "w", "--output", "v.npy"],
            ] {
                let run = try ProgramRun.of(command, folder: folder.path)
                #expect(run.exitCode == 0, "\(command): \(run)")
            }
        }
    }
}
