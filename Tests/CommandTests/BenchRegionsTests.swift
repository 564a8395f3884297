import Foundation
import SelfPatchFormats
import SelfPatchTensors
import TestSupport
import Testing

@Suite struct BenchRegionsTests {
    private struct Report: Decodable {
        struct Seconds: Decodable {
            let median: Double
            let fastest: Double
            let slowest: Double
        }

        let forward: Seconds
        let forwardAndBackward: Seconds
        let suppression: Seconds
        let kept: Int
    }

    /// What it writes is what another program needs to come to the same: each region with its map, and what came out.
    @Test func writesWhatWentInAndCameOut() throws {
        try withTemporaryFolder { folder in
            let run = try ProgramRun.of(
                "bench", "regions", "--regions", "40", "--size", "3", "--channels", "20", "--height", "96", "--width",
                "160",
                "--boxes", "64", "--repetitions", "2", "--threads", "1", "--tensors", folder.file("all.safetensors"),
                "--json")
            try #require(run.exitCode == 0, "\(run)")
            let report = try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
            for seconds in [report.forward, report.forwardAndBackward, report.suppression] {
                #expect(0 < seconds.fastest && seconds.fastest <= seconds.median && seconds.median <= seconds.slowest)
            }
            let tensors = try SafetensorsFile(path: folder.file("all.safetensors")).tensors()
            #expect(tensors["kept"]?.shape == [report.kept] && 1..<32 ~= report.kept)
            var regions = 0
            for (level, stride) in [4, 8, 16, 32].enumerated() {
                func tensor(_ name: String) throws -> Tensor { try #require(tensors["p\(level + 2)-\(name)"]) }
                let map = try tensor("map"), list = try tensor("regions"), pooled = try tensor("pooled")
                #expect(map.shape == [1, 20, 96 / stride, 160 / stride])
                #expect(pooled.shape == [list.size(0), 20, 3, 3])
                regions += list.size(0)
                // RoIAlign is linear in the map: <pooled, upstream> is <map, gradient>.
                let there = (pooled * (try tensor("upstream"))).sum().item()
                let back = (map * (try tensor("gradient"))).sum().item()
                #expect(abs(there - back) <= 1e-3 * max(1, abs(there)), "level \(level): \(there) and \(back)")
            }
            #expect(regions == 40)
        }
    }

    @Test(arguments: [
        (["--regions", "0"], "--regions"), (["--height", "100"], "a multiple of 32"),
        (["--overlap", "2"], "--overlap"),
    ])
    func refusesWithASentence(arguments: [String], words: String) throws {
        let run = try ProgramRun.of(["bench", "regions"] + arguments)
        #expect(run.exitCode == 64 && run.errors.contains(words) && run.output.isEmpty, "\(run)")
    }
}
