import Foundation
import SelfPatchFormats
import TestSupport

/// A run so small that it takes about a second: a dozen drawn images of 20 x 24 pixels and a network of width 16.
struct TinyRun {
    let folder: TemporaryFolder
    var images: String { folder.file("images") }

    init(in folder: TemporaryFolder, images count: Int = 10) throws {
        self.folder = folder
        for index in 0..<count {
            try folder.write(
                Self.bitmap(width: 24, height: 20, seed: index), to: "images/part \(index % 2)/\(index).bmp")
        }
    }

    /// Settings for a network and views of a few numbers; each part of the objective is on.
    static let settings: [String] = [
        "schedule.length=40 steps", "schedule.batchSize=4", "model.width=16", "model.depth=2", "model.heads=2",
        "model.patchSize=4", "model.dropPath=0.2", "views.globalSize=[16, 16]", "views.localSize=[8, 8]",
        "views.localCount=2", "heads.imagePrototypes=24", "heads.patchPrototypes=16", "heads.hiddenWidth=16",
        "heads.bottleneck=8", "teacher.centerWarmupSteps=2", "run.checkpointEvery=10 steps", "run.keepNewest=3",
        "run.keepEvery=0", "optimizer.learningRate=0.01", "data.workers=2", "threads=1", "device=cpu",
    ]

    /// Arguments that begin a run; later settings replace earlier ones.
    func arguments(output: String, _ more: [String] = []) -> [String] {
        ["pretrain", "--preset", "nano-photos", "--output", folder.file(output)]
            + (["data.folder=\(images)"] + Self.settings + more).flatMap { ["--set", $0] }
    }

    func run(_ output: String, _ more: [String] = [], options: [String] = []) throws -> ProgramRun {
        try ProgramRun.of(arguments(output: output, more) + options)
    }

    func resume(_ output: String, _ options: [String] = []) throws -> ProgramRun {
        try ProgramRun.of(["pretrain", "--resume", folder.file(output)] + options)
    }

    func start(_ output: String, _ more: [String] = []) throws -> RunningProgram {
        try RunningProgram(arguments(output: output, more))
    }

    func data(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.file(path))) }
    func text(_ path: String) throws -> String { String(decoding: try data(path), as: UTF8.self) }

    /// Lines of `metrics.jsonl`; 0 where it is not there yet.
    func steps(_ output: String) -> Int {
        FileManager.default.contents(atPath: folder.file(output + "/metrics.jsonl"))?
            .filter { $0 == UInt8(ascii: "\n") }.count ?? 0
    }

    func checkpoints(_ output: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.file(output + "/checkpoints"))) ?? [])
            .filter { $0.hasPrefix("step-") }.sorted()
    }

    /// Runs a program under a shell's limits: `ulimit -f 20`.
    static func limited(_ limit: String, _ arguments: [String]) throws -> (exitCode: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "\(limit); exec \"$0\" \"$@\"", RunningProgram.path] + arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus, text)
    }

    /// A BMP of 24 bits a pixel: colored stripes and a spot, different for each seed.
    static func bitmap(width: Int, height: Int, seed: Int) -> Data {
        let rowBytes = (3 * width + 3) / 4 * 4
        var data = Data("BM".utf8)
        func append(_ value: Int, bytes: Int) {
            for byte in 0..<bytes { data.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        append(54 + rowBytes * height, bytes: 4)
        append(0, bytes: 4)
        append(54, bytes: 4)
        append(40, bytes: 4)
        append(width, bytes: 4)
        append(height, bytes: 4)
        append(1, bytes: 2)
        append(24, bytes: 2)
        append(0, bytes: 24)
        for y in 0..<height {
            for x in 0..<width {
                let stripe = ((x * (seed % 3 + 1) + y * (seed % 5)) / 4) % 2
                let isSpot = abs(x - 2 * seed % width) + abs(y - seed % height) < 6
                for channel in 0..<3 {
                    append(isSpot ? 255 - 40 * channel : stripe * 120 + (seed * (53 + 31 * channel)) % 120, bytes: 1)
                }
            }
            append(0, bytes: rowBytes - 3 * width)
        }
        return data
    }
}
