import ArgumentParser
import Foundation
import SelfPatchData
import SelfPatchFormats

struct CheckData: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-data",
        abstract: "Say which images of a folder can be read, which cannot, and why.",
        discussion: """
            Decodes every image below DIR as a training run would: JPEG, PNG, WebP, BMP, TIFF and GIF, found by their \
            extension and read by their content. Hidden files are passed over, links are followed. Nothing is changed.

            Each unreadable file gets one line: its name, a word for the reason, and details. The last lines count formats \
            and give the mean and deviation of each channel, as the settings of a run for other than colour photographs \
            need them.

            Exit code: 0 if everything can be read, 1 if not.

            EXAMPLES
              selfpatch check-data photos
              selfpatch check-data photos --all | less
              selfpatch check-data satellite --channels 5
              selfpatch check-data photos --json > photos.json
            """)

    @Argument(help: ArgumentHelp("The folder with the images, any tree of folders; or shards.", valueName: "dir"))
    var folder: String

    @Option(help: "Channels of the model: 3 for colour, 1 for greyscale, else as many as the files have.")
    var channels = 3

    @Option(help: "Refuse images of more pixels than these.")
    var pixelLimit = ImageFile.defaultPixelLimit

    @Option(help: "How many images are decoded at a time (default: as many as the machine has processors).")
    var threads: Int?

    @Flag(help: "List readable images as well.")
    var all = false

    @Flag(help: "Print one JSON document with an entry for each file.")
    var json = false

    func validate() throws {
        for (name, value) in [("--channels", channels), ("--pixel-limit", pixelLimit), ("--threads", threads ?? 1)]
        where value < 1 {
            throw ValidationError("\(name) is \(value); it has to be at least 1.")
        }
        let most = 65_535
        if channels > most { throw ValidationError("--channels is \(channels); no image has more than \(most).") }
    }

    func run() throws {
        let images = try ImageCollections.open(folder)
        let check = FolderCheck(
            images, channels: channels, pixelLimit: pixelLimit,
            threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        var summary = FolderSummary(channels: channels)
        var report: any CheckReport = json ? CheckJSON(check) : CheckText(listsAll: all)
        var progress = ProgressLine(title: "Checking", total: images.count)
        let printsToTerminal = isatty(STDOUT_FILENO) == 1
        try check.run { entry in
            summary.add(entry)
            if printsToTerminal && report.prints(entry) { progress.clear() }
            report.add(entry)
            if entry.isImage {
                progress.advance(note: summary.unreadable > 0 ? "\(summary.unreadable) unreadable" : "")
            }
        }
        progress.clear()
        report.finish(summary)
        if summary.unreadable > 0 { throw ExitCode.failure }
    }
}

/// A way to print what a check finds, as it finds it.
private protocol CheckReport {
    func prints(_ entry: FolderCheck.Entry) -> Bool
    mutating func add(_ entry: FolderCheck.Entry)
    func finish(_ summary: FolderSummary)
}

/// Lines for people.
private struct CheckText: CheckReport {
    let listsAll: Bool

    func prints(_ entry: FolderCheck.Entry) -> Bool {
        if case .failure = entry.result { return true }
        return listsAll
    }

    func add(_ entry: FolderCheck.Entry) {
        guard prints(entry) else { return }
        let name = PrintableName.of(entry.name)
        switch entry.result {
        case .failure(let problem): print("\(name): \(problem.reason.rawValue): \(problem.detail)")
        case .success(let picture):
            let info = picture.info
            let channels = info.storedChannels == 1 ? "1 channel" : "\(info.storedChannels) channels"
            print("\(name): \(info.format.rawValue), \(info.width) x \(info.height), \(channels)")
        }
    }

    func finish(_ summary: FolderSummary) {
        let formats = summary.formats.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.rawValue)" }
        print("\(summary.readable) readable" + (formats.isEmpty ? "" : ": " + formats.joined(separator: ", ")))
        let reasons = summary.reasons.sorted { $0.key.rawValue < $1.key.rawValue }
        let counts = reasons.map { "\($0.value) \($0.key.rawValue)" }.joined(separator: ", ")
        print("\(summary.unreadable) unreadable" + (counts.isEmpty ? "" : ": " + counts))
        guard let mean = summary.mean, let deviation = summary.deviation else { return }
        print("sides from \(summary.shortestSide ?? 0) to \(summary.longestSide ?? 0) pixels")
        print("mean [\(Self.text(mean))], deviation [\(Self.text(deviation))]")
    }

    private static func text(_ values: [Double]) -> String {
        values.map { String(format: "%.4f", $0) }.joined(separator: ", ")
    }
}

/// One JSON document, written entry by entry, so that it may be longer than the memory.
private struct CheckJSON: CheckReport {
    private struct File: Encodable {
        var path: String
        var readable: Bool
        var reason: ImageProblem.Reason?
        var detail: String?
        var format: ImageInfo.Format?
        var width: Int?
        var height: Int?
        var storedChannels: Int?
        var orientation: Int?
        /// 0...255
        var mean: [Double]?
    }

    private struct Summary: Encodable {
        var readable: Int
        var unreadable: Int
        var formats: [String: Int]
        var reasons: [String: Int]
        var mean: [Double]?
        var deviation: [Double]?
    }

    private let encoder = JSONEncoder()
    private var isFirst = true

    init(_ check: FolderCheck) {
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print("{\"folder\": \(text(check.images.root)), \"channels\": \(check.channels),")
        print(
            " \"pixelLimit\": \(check.pixelLimit), \"passedOver\": \((check.images as? ImageFolder)?.passedOver ?? 0), \"files\": ["
        )
    }

    func prints(_ entry: FolderCheck.Entry) -> Bool { true }

    mutating func add(_ entry: FolderCheck.Entry) {
        var file = File(path: entry.name, readable: true)
        switch entry.result {
        case .failure(let problem):
            file.readable = false
            file.reason = problem.reason
            file.detail = problem.detail
        case .success(let picture):
            file.format = picture.info.format
            file.width = picture.info.width
            file.height = picture.info.height
            file.storedChannels = picture.info.storedChannels
            file.orientation = picture.info.orientation
            file.mean = picture.mean.map { ($0 * 100).rounded() / 100 }
        }
        print((isFirst ? "  " : ",\n  ") + text(file), terminator: "")
        isFirst = false
    }

    func finish(_ summary: FolderSummary) {
        let counts = Summary(
            readable: summary.readable, unreadable: summary.unreadable,
            formats: Dictionary(uniqueKeysWithValues: summary.formats.map { ($0.key.rawValue, $0.value) }),
            reasons: Dictionary(uniqueKeysWithValues: summary.reasons.map { ($0.key.rawValue, $0.value) }),
            mean: summary.mean, deviation: summary.deviation)
        print("\n ],\n \"summary\": \(text(counts))}")
    }

    private func text(_ value: some Encodable) -> String {
        // Plain numbers and strings always encode.
        guard let data = try? encoder.encode(value) else { preconditionFailure("\(value) does not encode as JSON") }
        return String(decoding: data, as: UTF8.self)
    }
}
