import Foundation
import SelfPatchFormats

/// The broken files of a run: each is named once, and too many of them end it.
///
/// The list is a text file with a line for each: name, reason, details, with tabs between. A resumed run goes on with the
/// list that it finds. May be used from any thread.
package final class SkippedFiles: @unchecked Sendable {
    /// Where the list lies; nil keeps it in memory alone.
    package let path: String?
    /// How many images the data set has.
    package let total: Int
    /// The share of broken images up to which a run goes on, 0...1.
    package let allowedShare: Double

    private let lock = NSLock()
    private var names: Set<String> = []
    /// Broken images, without folders and links that the walk could not follow.
    private var imageCount = 0

    /// - Throws: `UserError` if a list is there that cannot be read.
    package init(path: String?, total: Int, allowedShare: Double) throws {
        precondition(total > 0 && (0...1).contains(allowedShare), "\(allowedShare) of \(total) images")
        self.path = path
        self.total = total
        self.allowedShare = allowedShare
        guard let path, FileManager.default.fileExists(atPath: path) else { return }
        guard let text = FileManager.default.contents(atPath: path) else {
            throw UserError("The list of skipped files \(path) cannot be read; check its permissions.")
        }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            guard let name = line.split(separator: "\t").first else { continue }
            if names.insert(String(name)).inserted && !line.contains(Self.folderMark) { imageCount += 1 }
        }
    }

    /// The number of images named so far.
    package var count: Int { lock.withLock { imageCount } }

    /// Notes a broken image.
    ///
    /// - Throws: `UserError` if more than the allowed share is broken, or the list cannot be written.
    package func record(_ name: String, _ problem: ImageProblem) throws {
        try lock.withLock {
            if try write(name, problem, mark: "") { imageCount += 1 }
            // Every broken image ends a run that has too many, also one that another loader has named before.
            guard Double(imageCount) > allowedShare * Double(total) else { return }
            let list = path.map { " All are listed in \($0)." } ?? ""
            throw UserError(
                """
                Cannot read \(imageCount) of \(total) images, more than the share of \(allowedShare) that is allowed. \
                The last was \(PrintableName.of(name)): it \(problem.detail).\(list) Look at the data with `selfpatch \
                check-data`, mend or remove these files, or allow a larger share.
                """)
        }
    }

    /// Notes what the walk through the folder could not enter. It counts for nothing: nobody knows what is in there.
    package func record(_ problems: [ImageFolder.Problem]) throws {
        try lock.withLock {
            for entry in problems { _ = try write(entry.name, entry.problem, mark: Self.folderMark) }
        }
    }

    private static let folderMark = "\tnot searched"

    /// - Returns: false if the name is on the list already.
    private func write(_ name: String, _ problem: ImageProblem, mark: String) throws -> Bool {
        let name = PrintableName.of(name)
        guard names.insert(name).inserted else { return false }
        guard let path else { return true }
        let line = Data("\(name)\t\(problem.reason.rawValue)\t\(problem.detail)\(mark)\n".utf8)
        do {
            if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: line)
        } catch {
            throw UserError("The list of skipped files \(path) cannot be written: \(error.localizedDescription)")
        }
        return true
    }
}
