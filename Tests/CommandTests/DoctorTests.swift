import Foundation
import TestSupport
import Testing

@Suite struct DoctorTests {
    @Test func saysWhatTheMachineOffers() throws {
        let run = try ProgramRun.of("doctor")
        #expect(run.exitCode == 0, "\(run)")
        for word in ["libtorch", "2.11.0", "processor", "float32", "bf16", "memory", "disk"] {
            #expect(run.output.contains(word), "'\(word)' is not in\n\(run)")
        }
        #expect(run.errors.isEmpty)
    }

    @Test func jsonHoldsTheSameFacts() throws {
        let run = try ProgramRun.of("doctor", "--json")
        #expect(run.exitCode == 0, "\(run)")
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any], "\(run)")
        let libtorch = try #require(document["libtorch"] as? [String: Any])
        #expect((libtorch["version"] as? String)?.hasPrefix("2.11.0") == true)
        let library = try #require(libtorch["path"] as? String)
        #expect(FileManager.default.fileExists(atPath: library))
        if let flags = libtorch["buildFlags"] as? String {
            let folder = flags.split(separator: " ")[1]
            #expect(FileManager.default.fileExists(atPath: folder + "/selfpatch-libtorch.pc"), "\(flags)")
        }
        let processor = try #require(document["processor"] as? [String: Any])
        let products = try #require(processor["products"] as? [[String: Any]])
        #expect(products.compactMap { $0["precision"] as? String } == ["float32", "bf16"])
        #expect(products.allSatisfy { ($0["operationsPerSecond"] as? Double ?? 0) > 1e8 })
        let memory = try #require(document["memory"] as? [String: Any])
        #expect((memory["totalBytes"] as? Int ?? 0) > 1 << 28)
        #expect((document["disks"] as? [Any])?.count == 2)
        #expect(document["advice"] is [String])
    }

    @Test func advisesOnThreadsThatAreHeldBack() throws {
        guard ProcessInfo.processInfo.activeProcessorCount > 1 else { return }
        let run = try ProgramRun.of(["doctor"], environment: ["OMP_NUM_THREADS": "1"])
        #expect(run.output.contains("uses 1 of"), "\(run)")
    }

    @Test func findsLibtorchWithoutAnyEnvironment() throws {
        let run = try ProgramRun.of(
            ["doctor", "--json"], environment: ["HOME": "", "LD_LIBRARY_PATH": "", "PATH": "", "SELFPATCH_CACHE": ""],
            folder: "/")
        #expect(run.exitCode == 0, "\(run)")
    }
}
