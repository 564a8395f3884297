import Foundation
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct BenchFeaturesTests {
    private struct Report: Decodable {
        let imagesASecond: Double
        let secondsABatch: Double
        let fastest: Double
        let slowest: Double
        let peakBytes: Int
        let views: [Int]
        let precision: String
    }

    @Test func saysHowManyImagesASecond() throws {
        try withTemporaryFolder { folder in
            let run = try ProgramRun.of(
                "bench", "features", "--size", "nano", "--side", "64", "--batch", "3", "--batches", "2", "--threads",
                "1", "--precision",
                "bf16", "--features", folder.file("features.safetensors"), "--json")
            try #require(run.exitCode == 0, "\(run)")
            let report = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
            #expect(report.views == [3, 3, 64, 64] && report.precision == "bf16")
            #expect(report.fastest <= report.secondsABatch && report.secondsABatch <= report.slowest)
            #expect(abs(report.imagesASecond * report.secondsABatch - 3) < 1e-6 && report.peakBytes > 1_000_000)
            let file = try SafetensorsFile(path: folder.file("features.safetensors"))
            #expect(file["summary"]?.shape == [3, 96] && file["mean-patch"]?.shape == [3, 96])
        }
    }

    @Test(arguments: [
        (["--batches", "0"], "--batches"), (["--side", "40"], "whole patches"),
        (["--views", "a.pth", "--batch", "2"], "leave --batch"),
        (["--weights", "/no/such"], "/no/such"),
    ])
    func refusesWithASentence(arguments: [String], words: String) throws {
        let run = try ProgramRun.of(["bench", "features", "--size", "nano"] + arguments)
        #expect(run.exitCode == 64 || run.exitCode == 1, "\(run)")
        #expect(run.errors.contains(words) && run.output.isEmpty, "\(run)")
    }
}
