import Foundation
import TestSupport
import Testing

/// The tools that other tests stand on.
@Suite struct TestSupportTests {
    @Test func packageFolderHoldsThePackage() {
        #expect(FileManager.default.fileExists(atPath: PackageFolder.path("Package.swift")))
    }

    @Test func temporaryFolderGoesWithItsClosure() throws {
        let path = try withTemporaryFolder { folder in
            try folder.write("text", to: "deep/file.txt")
            #expect(try String(contentsOfFile: folder.file("deep/file.txt"), encoding: .utf8) == "text")
            return folder.path
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(.requires(SharedData.photos)) func presentMaterialHasAPath() {
        #expect(SharedData.photos.path != nil)
        #expect(SharedData.photos.absence == nil)
    }

    @Test func absentMaterialSaysWhereItWasLookedFor() throws {
        let reason = try #require(SharedData.data("no-such-set").absence)
        #expect(reason.contains("data/no-such-set"))
        #expect(reason.contains("SELFPATCH_SHARED"))
    }

    @Test(arguments: [Goldens.Kind.step, .augment, .knn])
    func everyKindOfOwnGoldensIsFound(kind: Goldens.Kind) {
        guard ProcessInfo.processInfo.environment["SELFPATCH_GOLDEN"] == nil else { return }
        #expect(Goldens.folders(kind).contains { $0.origin == "Tests/Goldens" } || Goldens.of(kind).path != nil)
    }

    @Test func programSaysItsCommands() throws {
        let run = try ProgramRun.of("--help")
        #expect(run.exitCode == 0, "\(run)")
        #expect(run.output.contains("selfpatch"))
    }

    @Test func programSaysItsVersion() throws {
        let run = try ProgramRun.of("--version")
        #expect(run.exitCode == 0 && run.output.contains(#/^selfpatch \d+\.\d+\.\d+, libtorch 2\.\d+/#), "\(run)")
    }

    @Test func programRefusesAnUnknownOption() throws {
        let run = try ProgramRun.of("--no-such-option")
        #expect(run.exitCode == 64, "\(run)")
        #expect(run.output.isEmpty)
        #expect(run.errors.contains("no-such-option"))
    }
}
