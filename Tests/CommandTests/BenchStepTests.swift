import Foundation
import TestSupport
import Testing

@Suite struct BenchStepTests {
    struct Report: Decodable {
        let peakTensorBytes: Int
        let peakBytes: Int
        let estimatedBytes: Int
        let parts: [String: Double]
        let secondsAStep: Double
    }

    /// Tensors of a step of ViT-Tiny on 4 images, in megabytes, on a processor with 512-bit vectors: a count, the same in every run. It may be
    /// 10 per cent more and no more; lower it here when it falls.
    @Test(
        .enabled(if: hasWideVectors, "the counts are those of a processor with AVX-512"),
        arguments: [([], 1291), (["--views-in-turn"], 1035), (["--checkpoint-activations"], 952)])
    func aStepTakesNoMoreMemoryThanItDid(options: [String], megabytes: Double) throws {
        let report = try Self.report(["--random-views", "--size", "tiny", "--batch", "4", "--steps", "1"] + options)
        let taken = Double(report.peakTensorBytes) / 1e6
        #expect(taken <= 1.1 * megabytes, "\(taken) MB where \(megabytes) were enough")
        #expect(taken > 0.5 * megabytes)
        let estimate = Double(report.estimatedBytes) / Double(report.peakBytes)
        #expect(
            estimate > 0.85 && estimate < 1.2, "\(report.estimatedBytes) bytes estimated, \(report.peakBytes) taken")
    }

    /// The image pipeline works beside the step, and the wait for it is one of the parts.
    @Test func partsAddUpToTheStep() throws {
        let report = try Self.report([
            "--size", "nano", "--batch", "4", "--steps", "1", "--accumulation", "2", "--local-views", "2",
        ])
        #expect(report.parts["data wait"] != nil)
        let sum = report.parts.values.reduce(0, +)
        #expect(sum > 0.8 * report.secondsAStep && sum < 1.01 * report.secondsAStep, "\(report)")
    }

    @Test(arguments: [
        (["--batch", "4", "--accumulation", "3"], "a divisor of --batch"), (["--steps", "0"], "--steps"),
        (["photos", "--random-views"], "leave the folder out"),
    ])
    func refusesWithASentence(arguments: [String], words: String) throws {
        let run = try ProgramRun.of(["bench", "step"] + arguments)
        #expect(run.exitCode == 64 && run.errors.contains(words) && run.output.isEmpty, "\(run)")
    }

    @Test func lossesWantWeightsWithHeads() throws {
        let run = try ProgramRun.of("bench", "loss", "--weights", "/no/such", "--views", "/no/such")
        #expect(run.exitCode == 64 || run.exitCode == 1, "\(run)")
        #expect(run.errors.contains("/no/such") && run.output.isEmpty, "\(run)")
    }

    private static let hasWideVectors =
        (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.contains(" avx512bw ") ?? false

    private static func report(_ arguments: [String]) throws -> Report {
        let run = try ProgramRun.of(["bench", "step", "--json", "--threads", "1"] + arguments)
        try #require(run.exitCode == 0, "\(run)")
        return try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
    }
}
