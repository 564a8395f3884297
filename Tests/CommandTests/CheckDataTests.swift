import Foundation
import TestSupport
import Testing

/// `selfpatch check-data`, run as users run it.
@Suite struct CheckDataTests {
    private struct Report: Decodable {
        struct File: Decodable {
            let path: String
            let readable: Bool
            let reason: String?
            let detail: String?
            let format: String?
            let width: Int?
            let height: Int?
            let mean: [Double]?
        }
        struct Summary: Decodable {
            let readable: Int
            let unreadable: Int
            let formats: [String: Int]
            let reasons: [String: Int]
            let mean: [Double]?
            let deviation: [Double]?
        }

        let folder: String
        let channels: Int
        let pixelLimit: Int
        let passedOver: Int
        let files: [File]
        let summary: Summary
    }

    private func report(_ run: ProgramRun) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(run.output.utf8))
    }

    /// A PNG of 1 x 1 pixels, grey.
    private let picture = Data(
        base64Encoded: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")

    @Test(.requires(SharedData.oddFiles)) func theOddFilesAreListedAsTheirManifestSays() throws {
        let odd = try OddFiles(at: #require(SharedData.oddFiles.path))
        try withTemporaryFolder { folder in
            try odd.copy(to: folder.path)
            mkfifo(folder.file("tree/pipe.jpg"), 0o644)
            let program = try RunningProgram(["check-data", folder.path, "--json"])
            var peak = 0
            _ = program.wait(until: {
                peak = max(peak, Self.peakKilobytes(program.processIdentifier))
                return false
            })
            let run = program.wait(timeout: .seconds(60))
            #expect(run.exitCode == 1, "\(run)")
            #expect(run.errors.isEmpty, "\(run.errors)")
            // libtorch alone takes 130 MB; a picture of the largest claim within the limit would take 500.
            #expect(peak < 400_000, "\(peak) KB")

            let found = try report(run)
            let files = Dictionary(grouping: found.files, by: \.path)
            #expect(files.values.allSatisfy { $0.count == 1 }, "a path is listed twice")
            #expect(files["tree/pipe.jpg"]?.first?.reason == "not_a_file")
            for entry in odd.entries where OddFiles.isThere(entry, in: folder.path) {
                guard let file = files[entry.path]?.first else {
                    #expect(entry.listed.allows(false), "\(entry) (\(entry.what)) is not listed")
                    continue
                }
                #expect(entry.listed.allows(true), "\(entry) (\(entry.what)) is listed")
                #expect(entry.readable.allows(file.readable), "\(entry) (\(entry.what)): \(file)")
                if file.readable {
                    if let format = entry.format, format != "MPO" {
                        #expect(file.format?.uppercased() == format, "\(entry)")
                    }
                } else {
                    let reasons = [entry.reason, entry.alsoReason].compactMap(\.self)
                    #expect(file.reason.map(reasons.contains) == true, "\(entry): \(file)")
                    #expect(file.detail?.isEmpty == false)
                }
            }
            #expect(found.summary.readable == found.files.filter(\.readable).count)
            #expect(found.summary.readable + found.summary.unreadable == found.files.count)
        }
    }

    /// Peak of a process's memory so far; 0 where the system does not say.
    private static func peakKilobytes(_ process: Int32) -> Int {
        guard let status = FileManager.default.contents(atPath: "/proc/\(process)/status") else { return 0 }
        let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM") }
        return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
    }

    @Test func aWholeFolderIsSummedUpAndLeavesWithZero() throws {
        let picture = try #require(picture)
        try withTemporaryFolder { folder in
            try folder.write(picture, to: "a.png")
            try folder.write(picture, to: "b/one image\nof two lines.PNG")
            try folder.write("text", to: "b/notes.txt")
            let run = try ProgramRun.of("check-data", folder.path)
            #expect(run.exitCode == 0, "\(run)")
            #expect(run.errors.isEmpty)
            #expect(run.output.hasPrefix("2 readable: 2 PNG\n0 unreadable\nsides from 1 to 1 pixels\nmean ["))
            let all = try ProgramRun.of("check-data", folder.path, "--all")
            #expect(all.output.contains("b/one image\\nof two lines.PNG: PNG, 1 x 1, 1 channel\n"), "\(all)")
            let json = try report(ProgramRun.of("check-data", folder.path, "--json", "--channels", "1"))
            #expect(json.files.map(\.path) == ["a.png", "b/one image\nof two lines.PNG"])
            #expect(json.channels == 1 && json.passedOver == 1)
            #expect(json.summary.mean?.count == 1)
        }
    }

    @Test func brokenFilesAreOneLineEach() throws {
        let picture = try #require(picture)
        try withTemporaryFolder { folder in
            try folder.write(picture.prefix(50), to: "short.png")
            try folder.write("", to: "empty.jpg")
            try folder.write(picture, to: "good.png")
            let run = try ProgramRun.of("check-data", folder.path)
            #expect(run.exitCode == 1)
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == 6, "\(run)")
            #expect(lines[0] == "empty.jpg: empty: is empty (0 bytes)")
            #expect(lines[1] == "short.png: truncated: ends after 50 bytes, before the picture is complete")
            #expect(lines[3] == "2 unreadable: 1 empty, 1 truncated")
            let channels = try ProgramRun.of("check-data", folder.path, "--channels", "5")
            #expect(
                channels.output.contains("good.png: wrong_channels: has 1 channel, the model takes 5"), "\(channels)")
            let limit = try ProgramRun.of("check-data", folder.path, "--pixel-limit", "1")
            #expect(limit.output.contains("1 readable"))
        }
    }

    @Test func foldersThatAreMissingOrEmptyAreExplained() throws {
        try withTemporaryFolder { folder in
            for (path, words) in [
                (folder.file("missing"), "There is no folder"), (folder.path, "holds no images"),
            ] {
                let run = try ProgramRun.of("check-data", path)
                #expect(run.exitCode == 1, "\(run)")
                #expect(run.errors.contains(words) && run.errors.contains(path), "\(run)")
                #expect(run.output.isEmpty)
            }
            for arguments in [
                ["--channels", "0"], ["--pixel-limit", "-5"], ["--threads", "0"], ["--channels", "70000"],
            ] {
                let run = try ProgramRun.of(["check-data", folder.path] + arguments)
                #expect(run.exitCode == 64, "\(run)")
                #expect(run.errors.contains(arguments[0]))
            }
            #expect(try ProgramRun.of("check-data").exitCode == 64)
        }
    }

    @Test func helpHasExamples() throws {
        let run = try ProgramRun.of("check-data", "--help")
        #expect(run.exitCode == 0)
        #expect(run.output.contains("EXAMPLES") && run.output.contains("selfpatch check-data photos --json"))
    }

    @Test(.enabled(if: Terminal.isAvailable, "script(1) of util-linux, which lends a terminal, is there"))
    func aTerminalSeesProgress() throws {
        let picture = try #require(picture)
        try withTemporaryFolder { folder in
            for index in 0..<20 { try folder.write(picture, to: "\(index).png") }
            try folder.write("", to: "z.png")
            let text = try Terminal.run("check-data '\(folder.path)'")
            #expect(
                text.contains("Checking [") && text.contains("21 of 21") && text.contains("1 unreadable"), "\(text)")
            // The line is taken away before other text is printed.
            #expect(text.contains("\r\u{1B}[Kz.png: empty"), "\(text)")
            #expect(text.contains("\r\u{1B}[K20 readable"), "\(text)")
        }
    }

    @Test(
        .enabled(if: Unprivileged.isAvailable, "files can be closed to this user, or setpriv can take the right away"))
    func whatMayNotBeReadIsNamed() throws {
        let picture = try #require(picture)
        try withTemporaryFolder { folder in
            try folder.write(picture, to: "open.png")
            try folder.write(picture, to: "closed.png")
            try folder.write(picture, to: "locked/inside.png")
            chmod(folder.file("closed.png"), 0)
            chmod(folder.file("locked"), 0)
            defer { chmod(folder.file("locked"), 0o700) }
            let output = try Unprivileged.run(["check-data", folder.path])
            #expect(output.contains("closed.png: no_permission: "), "\(output)")
            #expect(output.contains("locked: no_permission: "), "\(output)")
            #expect(output.contains("1 readable"), "\(output)")
        }
    }
}

/// Runs the program without the right of root to read everything.
private enum Unprivileged {
    private static let setpriv = "/usr/bin/setpriv"

    static var isAvailable: Bool { geteuid() != 0 || FileManager.default.isExecutableFile(atPath: setpriv) }

    static func run(_ arguments: [String]) throws -> String {
        guard geteuid() == 0 else { return try ProgramRun.of(arguments).output }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: setpriv)
        process.arguments = ["--bounding-set=-dac_override,-dac_read_search", RunningProgram.path] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}

/// Runs the program on a terminal of its own.
private enum Terminal {
    private static let script = "/usr/bin/script"

    static var isAvailable: Bool {
        #if os(Linux)
            FileManager.default.isExecutableFile(atPath: script)
        #else
            false  // another script(1), with other options
        #endif
    }

    static func run(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: script)
        process.arguments = ["-qec", "'\(RunningProgram.path)' \(command)", "/dev/null"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
