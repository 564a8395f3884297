import Foundation
import SelfPatchFormats
import SelfPatchTraining
import TestSupport
import Testing

@Suite struct RunFolderTests {
    @Test func parentsAreMadeAndOtherRunsRespected() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a/b/c/"), settings: "seed: 1\n")
            #expect(run.path == folder.file("a/b/c"))
            #expect(try String(contentsOfFile: run.settingsFile, encoding: .utf8) == "seed: 1\n")
            #expect(try RunFolder(existing: folder.file("a/b/c")).path == run.path)
            let error = #expect(throws: UserError.self) { try RunFolder.create(at: run.path, settings: "") }
            #expect(error?.message.contains("--resume \(run.path)") == true)
            try FileManager.default.removeItem(atPath: run.settingsFile)
            #expect(throws: UserError.self) { try RunFolder.create(at: run.path, settings: "") }
            #expect(throws: UserError.self) { try RunFolder(existing: folder.file("a")) }
            // An empty folder, or one with other things in it, may become a run.
            try folder.write("mine", to: "full/notes.md")
            _ = try RunFolder.create(at: folder.file("full"), settings: "")
        }
    }

    @Test func aLockEndsWithItsOwner() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "")
            do {
                let lock = try run.lock()
                // Another open of the same file, as another process has it, is locked out.
                #expect(throws: UserError.self) { try run.lock() }
                withExtendedLifetime(lock) {}
            }
            _ = try run.lock()
        }
    }

    @Test(arguments: [
        ("{\"step\": 1}\n{\"step\": 2}\n{\"step\": 3}\n", 2, "{\"step\": 1}\n{\"step\": 2}\n"),
        ("{\"step\": 1}\n{\"step\": 2, \"x\": 1}\n{\"step\": 2, \"kn", 2, "{\"step\": 1}\n{\"step\": 2, \"x\": 1}\n"),
        ("{\"step\": 1}\n{\"step\": 2", 7, "{\"step\": 1}\n"),
        ("{\"step\": 1}\n{\"step\": 10}\n", 9, "{\"step\": 1}\n"),
        ("{\"step\": 1}\n", 0, ""), ("", 3, ""), ("garbage\n{\"step\": 1}\n", 3, ""),
    ])
    func metricsAreCutBackToAStep(before: String, step: Int, after: String) throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "")
            try folder.write(before, to: "a/metrics.jsonl")
            try run.cutBackMetrics(to: step)
            #expect(try String(contentsOfFile: run.metricsFile, encoding: .utf8) == after)
        }
    }

    /// Step 1 is no part of step 10, and one line is the step's own.
    @Test func aStepIsScoredWhereASecondLineSaysSo() throws {
        try withTemporaryFolder { folder in
            let log = try RunLog(try RunFolder.create(at: folder.file("a"), settings: ""))
            #expect(try !log.hasScores(of: 1))
            for step in [1, 2, 2, 10, 11] { try log.record(step: step, [Metric("loss", 1)]) }
            #expect(try (0...11).filter { try log.hasScores(of: $0) } == [2])
        }
    }

    @Test func theLogGoesOnWhereItEnded() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "")
            for step in 1...2 {
                let log = try RunLog(run)
                try log.note("line \(step)")
                try log.record(
                    step: step,
                    [Metric("loss", 0.1 + 0.2), Metric("epoch", 3), Metric("bad", .nan), Metric("tiny", 1e-300)])
            }
            let line = "\"loss\": 0.30000000000000004, \"epoch\": 3, \"bad\": null, \"tiny\": 1e-300}\n"
            #expect(
                try String(contentsOfFile: run.metricsFile, encoding: .utf8)
                    == "{\"step\": 1, \(line){\"step\": 2, \(line)")
            let log = try String(contentsOfFile: run.logFile, encoding: .utf8).split(separator: "\n")
            #expect(log.count == 2 && log[1].hasSuffix("  line 2") && log[0].hasPrefix("20"))
        }
    }

    @Test(arguments: [
        (0.2, "1 s"), (45, "45 s"), (100, "2 min"), (3000, "50 min"), (11_100, "3 h 05 min"), (200_000, "2 d 7 h"),
    ])
    func durationsAreForPeople(seconds: Double, text: String) {
        #expect(RunProgress.duration(seconds) == text)
    }
}
