import Foundation

/// What a run of the built program left behind.
package struct ProgramRun: Sendable {
    package let output: String
    package let errors: String
    /// The exit code, or nil where a signal ended the program.
    package let exitCode: Int32?
    /// The signal that ended the program, or nil where it exited by itself.
    package let signal: Int32?
    /// True where the time was up and the program was killed.
    package let timedOut: Bool

    /// Runs the program to its end.
    ///
    ///     let run = try ProgramRun.of("knn", "--weights", "missing")
    ///     #expect(run.exitCode == 1)
    ///
    /// - Parameters:
    ///   - environment: added to this process's own; an empty value takes a variable away.
    ///   - input: what the program reads on its standard input; nothing by default.
    ///   - folder: the working folder; this process's own by default.
    ///   - program: a path, where it is another program than the built one.
    ///   - timeout: after this time the program is killed.
    package static func of(
        _ arguments: [String], environment: [String: String] = [:], input: String = "", folder: String? = nil,
        program: String = RunningProgram.path, timeout: Duration = .seconds(120)
    ) throws -> ProgramRun {
        try RunningProgram(arguments, environment: environment, input: input, folder: folder, program: program)
            .wait(timeout: timeout)
    }

    package static func of(_ arguments: String...) throws -> ProgramRun {
        try of(arguments)
    }
}

extension ProgramRun: CustomStringConvertible {
    package var description: String {
        let end = timedOut ? "killed, time was up" : signal.map { "signal \($0)" } ?? "exit code \(exitCode ?? -1)"
        return "\(end)\n--- standard output\n\(output)\n--- standard error\n\(errors)"
    }
}

/// The built program while it runs: can be sent signals, and watched.
package final class RunningProgram: Sendable {
    /// The program: `SELFPATCH_PROGRAM`, or the one built along with these tests, or the release build's.
    package static let path: String = {
        if let chosen = environment("SELFPATCH_PROGRAM") { return chosen }
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/selfpatch"
        if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        return PackageFolder.path(".build/release/selfpatch")
    }()

    private let process: Process
    private let output: PipeReader
    private let errors: PipeReader

    package init(
        _ arguments: [String], environment: [String: String] = [:], input: String = "", folder: String? = nil,
        program: String = RunningProgram.path
    ) throws {
        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment { variables[name] = value.isEmpty ? nil : value }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = variables
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        let outputPipe = Pipe()
        let errorPipe = Pipe()
        let inputPipe = Pipe()
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        process.standardInput = inputPipe
        try process.run()
        self.process = process
        output = PipeReader(outputPipe.fileHandleForReading)
        errors = PipeReader(errorPipe.fileHandleForReading)
        // The program may leave without reading; writing then fails, which is its right.
        try? inputPipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try? inputPipe.fileHandleForWriting.close()
    }

    package var processIdentifier: Int32 { process.processIdentifier }
    package var isRunning: Bool { process.isRunning }
    /// What the program has written so far.
    package var outputSoFar: String { output.text }
    package var errorsSoFar: String { errors.text }

    /// Sends a signal, for example `SIGINT`, which is what Ctrl-C sends.
    package func send(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    /// Waits until a condition holds; false where the time is up or the program ended before.
    package func wait(until condition: () throws -> Bool, timeout: Duration = .seconds(60)) rethrows -> Bool {
        let end = ContinuousClock.now + timeout
        while try !condition() {
            if !isRunning { return try condition() }
            if ContinuousClock.now > end { return false }
            usleep(10_000)
        }
        return true
    }

    /// Waits for the program's end and gives what it left behind; kills it when the time is up.
    package func wait(timeout: Duration = .seconds(120)) -> ProgramRun {
        let end = ContinuousClock.now + timeout
        var timedOut = false
        while process.isRunning {
            if ContinuousClock.now > end {
                timedOut = true
                send(SIGKILL)
                process.waitUntilExit()
            } else {
                usleep(5_000)
            }
        }
        process.waitUntilExit()
        let bySignal = process.terminationReason == .uncaughtSignal
        return ProgramRun(
            output: output.finish(), errors: errors.finish(),
            exitCode: bySignal ? nil : process.terminationStatus,
            signal: bySignal ? process.terminationStatus : nil, timedOut: timedOut)
    }
}

/// Reads a pipe on a thread of its own, so that a program that writes much on one never waits for the other.
private final class PipeReader: @unchecked Sendable {
    private let lock = NSLock()
    private var bytes = Data()
    private let finished = DispatchSemaphore(value: 0)

    init(_ handle: FileHandle) {
        Thread.detachNewThread { [self] in
            while let more = try? handle.read(upToCount: 65_536), !more.isEmpty {
                lock.withLock { bytes.append(more) }
            }
            finished.signal()
        }
    }

    var text: String { lock.withLock { String(decoding: bytes, as: UTF8.self) } }

    /// Waits for the pipe's end, but not for long: a child of the program may hold it open.
    func finish() -> String {
        _ = finished.wait(timeout: .now() + 5)
        return text
    }
}
