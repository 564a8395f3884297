import Foundation
import TestSupport
import Testing

@Suite struct DeviceTests {
    #if os(Linux)
        /// A driver that knows a GPU where there is none: `auto` says why it is not taken, and goes on.
        @Test func autoSaysWhyItLeavesAGPU() throws {
            try withTemporaryFolder { folder in
                let source = try folder.write(
                    "int cuInit(unsigned flags) { return 0; } int cuDeviceGetCount(int *n) { *n = 1; return 0; }",
                    to: "driver.c")
                let made = try ProgramRun.of(
                    ["clang", "-shared", "-fPIC", source, "-o", folder.file("libcuda.so.1")], program: "/usr/bin/env")
                try #require(made.exitCode == 0, "\(made)")
                let step = ["bench", "features", "--size", "nano", "--side", "32", "--batch", "1", "--batches", "1"]
                let environment = ["LD_LIBRARY_PATH": folder.path]
                let run = try ProgramRun.of(step + ["--json"], environment: environment)
                #expect(run.exitCode == 0, "\(run)")
                let lines = run.errors.split(separator: "\n")
                #expect(lines.count == 1, "\(run)")
                for word in ["A GPU was found", "libtorch", "Going on with the CPU", "selfpatch doctor"] {
                    #expect(run.errors.contains(word), "'\(word)' is not in\n\(run)")
                }
                let named = try ProgramRun.of(step + ["--device", "cpu"], environment: environment)
                #expect(named.exitCode == 0 && named.errors.isEmpty, "\(named)")
            }
        }
    #endif
}
