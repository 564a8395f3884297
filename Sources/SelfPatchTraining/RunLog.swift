import Foundation
import SelfPatchFormats

/// A number with its name, as it goes into `metrics.jsonl`.
package struct Metric: Equatable, Sendable {
    package let name: String
    package let value: Double

    package init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}

/// A run's three diaries: `log.txt` for people, `metrics.jsonl` with every number, `speed.jsonl` with every time.
///
/// `metrics.jsonl` holds nothing but what the run computes, so a run that was stopped and resumed writes the same file as
/// one that never stopped. A line reaches the system before the next step starts, so a killed process loses none.
package final class RunLog {
    private let text: AppendedFile
    private let metrics: AppendedFile
    private let speed: AppendedFile
    private let metricsFile: String
    /// Shows a line of the log to whoever watches.
    private let show: (String, Kind) -> Void

    /// What a line of the log is, for whoever shows it as well.
    package enum Kind: Sendable {
        case news
        /// It only says how far the run is; a live line may say so already.
        case progress
        /// It will be said elsewhere too, as errors are.
        case record
    }

    /// Opens the files of a folder and goes on at their ends.
    ///
    /// - Parameter show: is handed every line of the log, without its time.
    package init(_ folder: RunFolder, show: @escaping (_ line: String, _ kind: Kind) -> Void = { _, _ in }) throws {
        text = try AppendedFile(folder.logFile)
        metricsFile = folder.metricsFile
        metrics = try AppendedFile(metricsFile)
        speed = try AppendedFile(folder.speedFile)
        self.show = show
    }

    /// Writes a line for people, with the time before it.
    package func note(_ line: String, _ kind: Kind = .news) throws {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        let stamp = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try text.append("\(stamp)  \(line)\n")
        show(line, kind)
    }

    /// Writes numbers of a step.
    ///
    /// - Parameter step: steps done, so from 1.
    package func record(step: Int, _ numbers: [Metric]) throws {
        try metrics.append(Self.line(step: step, numbers))
    }

    /// Writes times of a step.
    package func recordSpeed(step: Int, _ numbers: [Metric]) throws {
        try speed.append(Self.line(step: step, numbers))
    }

    /// Whether a step's line in `metrics.jsonl` is followed by one with its scores.
    package func hasScores(of step: Int) throws -> Bool {
        let lines = try RunFolder.lines(of: metricsFile)
        let start = Data("{\"step\": \(step),".utf8)
        return lines.range(of: start) != lines.range(of: start, options: .backwards)
    }

    /// Brings all lines to the disk: before a checkpoint that refers to them.
    package func synchronize() throws {
        try text.synchronize()
        try metrics.synchronize()
        try speed.synchronize()
    }

    private static func line(step: Int, _ numbers: [Metric]) -> String {
        var line = "{\"step\": \(step)"
        for number in numbers {
            line += ", \"\(number.name)\": \(json(number.value))"
        }
        return line + "}\n"
    }

    /// All digits that a number needs to be read back as it was. JSON has no infinity: what is no number becomes null.
    private static func json(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : value.description
    }
}

extension RunFolder {
    /// Cuts `metrics.jsonl` and `speed.jsonl` back to the lines of the first `step` steps.
    ///
    /// Lines after a checkpoint belong to steps that a resumed run does again; a last line may also be cut short.
    package func cutBackMetrics(to step: Int) throws {
        for path in [metricsFile, speedFile] where FileManager.default.fileExists(atPath: path) {
            let data = try Self.lines(of: path)
            let length = Self.lengthOfLines(in: data, upTo: step)
            guard length < data.count else { continue }
            guard truncate(path, off_t(length)) == 0 else { throw UserError.file("write", path, errno) }
        }
    }

    fileprivate static func lines(of path: String) throws -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw UserError.file("read", path, access(path, R_OK) == 0 ? EIO : errno)
        }
    }

    private static func lengthOfLines(in data: Data, upTo step: Int) -> Int {
        let start = Data("{\"step\": ".utf8)
        var place = data.startIndex
        while let end = data[place...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = data[place..<end]
            let digits = line.dropFirst(start.count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard line.starts(with: start), line.last == UInt8(ascii: "}"),
                let number = Int(String(decoding: digits, as: UTF8.self)), number <= step
            else { break }
            place = data.index(after: end)
        }
        return place - data.startIndex
    }
}

/// A file that only grows, a whole piece at a time.
private final class AppendedFile {
    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw UserError.file("write", path, errno) }
    }

    func append(_ text: String) throws {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw UserError.file("write", path, errno)
            }
            done += written
        }
    }

    func synchronize() throws {
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw UserError.file("write", path, errno) }
    }

    deinit { close(descriptor) }
}
