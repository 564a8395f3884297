import Foundation
import TestSupport
import Testing

/// Paths that are given to the comparisons stay relative to where one stands.
@Suite struct ComparisonScriptTests {
    @Test(arguments: ["coco", "detection", "features"]) func pathsStayRelativeToWhereOneStands(name: String) throws {
        try withTemporaryFolder { folder in
            for program in ["python", "selfpatch"] {
                try folder.write("#!/bin/sh\necho \"$PWD\" \"$@\"\n", to: program)
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: folder.file(program))
            }
            let run = try ProgramRun.of(
                ["--output", "out.json"], environment: ["PYTHON": "./python", "SELFPATCH_PROGRAM": "./selfpatch"],
                folder: folder.path, program: PackageFolder.path("scripts/compare-\(name)"))
            let script = PackageFolder.path("Benchmarks/compare_\(name).py")
            #expect(run.exitCode == 0, "\(run)")
            #expect(
                run.output.hasSuffix(
                    "/\(URL(fileURLWithPath: folder.path).lastPathComponent) \(script) --output out.json\n"), "\(run)")
        }
    }
}
