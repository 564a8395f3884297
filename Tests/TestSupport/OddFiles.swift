import Foundation

/// The folder of odd image files, as its manifest describes it, and a copy that holds everything.
package struct OddFiles: Sendable {
    /// True, false, or left to the program.
    package enum Answer: Decodable, Sendable {
        case yes, no, either

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = value ? .yes : .no
            } else {
                self = .either
            }
        }

        package func allows(_ value: Bool) -> Bool { self == .either || (self == .yes) == value }
    }

    package struct Entry: Decodable, Sendable, CustomStringConvertible {
        package let path: String
        package let what: String
        package let listed: Answer
        package let readable: Answer
        package let reason: String?
        package let alsoReason: String?
        package let better: String?
        package let width: Int?
        package let height: Int?
        package let sizeMayAlsoBe: [Int]?
        package let format: String?
        package let mean: [Double]?
        package let meanMayAlsoBe: [Double]?
        package let meanUnchecked: String?
        package let corners: [[Double]]?
        package let tolerance: Double?

        enum CodingKeys: String, CodingKey {
            case path, what, listed, readable, reason, better, width, height, format, mean, corners, tolerance
            case alsoReason = "also_reason"
            case sizeMayAlsoBe = "size_may_also_be"
            case meanMayAlsoBe = "mean_may_also_be"
            case meanUnchecked = "mean_unchecked"
        }

        package var description: String { path }
    }

    private struct Manifest: Decodable {
        let files: [Entry]
        let pixelLimit: Int

        enum CodingKeys: String, CodingKey {
            case files
            case pixelLimit = "pixel_limit_assumed"
        }
    }

    package let entries: [Entry]
    package let pixelLimit: Int
    private let folder: String

    package init(at folder: String) throws {
        let text = try Data(contentsOf: URL(fileURLWithPath: folder + "/manifest.json"))
        let manifest = try JSONDecoder().decode(Manifest.self, from: text)
        entries = manifest.files
        pixelLimit = manifest.pixelLimit
        self.folder = folder
    }

    /// Copies the files and unpacks the names and links that not every archive carries.
    ///
    /// File by file, because the originals may be write-protected, and so would be a copy of their folders.
    package func copy(to target: String) throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: target, withIntermediateDirectories: true)
        for case let name as String in manager.enumerator(atPath: folder) ?? .init() {
            var isFolder: ObjCBool = false
            _ = manager.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder)
            if isFolder.boolValue {
                try manager.createDirectory(atPath: target + "/" + name, withIntermediateDirectories: true)
            } else {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
                try bytes.write(to: URL(fileURLWithPath: target + "/" + name))
            }
        }
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "-xf", "names-and-links.tar"]
        tar.currentDirectoryURL = URL(fileURLWithPath: target)
        try tar.run()
        tar.waitUntilExit()
        for name in ["names-and-links.tar", "manifest.json", "README.md"] {
            try manager.removeItem(atPath: target + "/" + name)
        }
    }

    /// Whether the entry is in a copy; a file system without links, or one that folds names, does not hold all.
    package static func isThere(_ entry: Entry, in copy: String) -> Bool {
        var status = stat()
        return lstat(copy + "/" + entry.path, &status) == 0
    }
}
