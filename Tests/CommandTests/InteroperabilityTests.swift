import Foundation
import TestSupport
import Testing

/// What timm, mmsegmentation, PyTorch, safetensors, numpy and ONNX Runtime make of our files.
@Suite struct InteroperabilityTests {
    private static let script = PackageFolder.path("scripts/interoperability")

    /// The Python environment. It is large, so nobody has to have it, not even in CI.
    static let environment: Material = {
        let ready = (try? run("--ready")) ?? (exitCode: 1, output: "scripts/interoperability cannot be run")
        return ready.exitCode == 0 ? .present(script) : .absent(ready.output, chosen: true)
    }()

    @Test(.requires(environment)) func otherProgramsReadOursAndAgree() throws {
        let checks = try Self.run()
        #expect(checks.exitCode == 0, "\(checks.output)")
        #expect(checks.output.contains("checks passed") && !checks.output.contains("FAILED"), "\(checks.output)")
    }

    private static func run(_ arguments: String...) throws -> (exitCode: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: script)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SELFPATCH_PROGRAM": RunningProgram.path]) {
            $1
        }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
