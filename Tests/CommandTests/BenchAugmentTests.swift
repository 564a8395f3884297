import Foundation
import TestSupport
import Testing

@Suite struct BenchAugmentTests {
    struct Report: Decodable {
        struct Rates: Decodable { let median, lowest, highest: Double }
        struct StageTime: Decodable {
            let stage: String
            let milliseconds, share, calls: Double
        }
        struct Loader: Decodable { let imagesPerSecond: Double }

        let images, localViews, vectorBits: Int
        let perCore: Rates
        let stages: [StageTime]
        let loader: Loader?
        let peakMegabytes: Double
    }

    static func report(_ arguments: String...) throws -> Report {
        let run = try ProgramRun.of(["bench", "augment", "--json"] + arguments)
        #expect(run.exitCode == 0, "\(run)")
        return try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
    }

    @Test func drawnScenesAreMeasuredByStage() throws {
        let report = try Self.report("--seconds", "0.2", "--local-views", "3", "--vector-bits", "128")
        #expect(report.localViews == 3 && report.vectorBits == 128)
        #expect(report.perCore.lowest > 0 && report.perCore.median <= report.perCore.highest)
        let shares = report.stages.map(\.share).reduce(0, +)
        #expect(abs(shares - 1) < 1e-6)
        let crops = try #require(report.stages.first { $0.stage == "crop, resize, flip" })
        #expect(crops.calls == 5)
        #expect(report.loader == nil)
    }

    /// The loader takes its memory once: ten times as many images need no more of it, but for a worker that only then meets the
    /// largest one. What the views of the further images would take is many times the bound.
    @Test(.requires(SharedData.photos)) func memoryDoesNotGrowWithTheImagesSeen() throws {
        let photos = try #require(SharedData.photos.path)
        let short = try Self.report(photos, "--seconds", "0.2", "--workers", "3")
        let long = try Self.report(photos, "--seconds", "4", "--workers", "3")
        #expect(short.images == 58)
        #expect((long.loader?.imagesPerSecond ?? 0) > 0)
        #expect(long.peakMegabytes < 1.5 * short.peakMegabytes, "\(short.peakMegabytes) and \(long.peakMegabytes) MB")
    }

    @Test(arguments: [
        (["--seconds", "0"], "--seconds is 0.0", 64), (["--workers", "0"], "--workers is 0", 64),
        (["--vector-bits", "100"], "128, 256 or 512", 64), (["--local-views=-2"], "views.localCount is -2", 64),
        (["/no/such/folder"], "/no/such/folder", 1),
    ])
    func refusesWithASentence(arguments: [String], words: String, code: Int32) throws {
        let run = try ProgramRun.of(["bench", "augment"] + arguments)
        #expect(run.errors.contains(words), "\(run)")
        #expect(run.output.isEmpty)
        #expect(run.exitCode == code, "\(run)")
    }
}
