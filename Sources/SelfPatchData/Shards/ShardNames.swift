import Foundation
import SelfPatchFormats

/// Which files a path stands for, where it stands for shards.
enum ShardNames {
    /// The shards at a path, sorted by name; nil where it is no path of shards.
    ///
    /// - Throws: `UserError` where a pattern is none, or names a file that is not there.
    static func of(_ path: String) throws -> [String]? {
        if path.contains("{"), !FileManager.default.fileExists(atPath: path) {
            let names = try matches(path)
            for name in names where !FileManager.default.fileExists(atPath: name) {
                throw UserError(
                    "There is no shard \(PrintableName.of(name)), which \(PrintableName.of(path)) stands for.")
            }
            return names
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return nil }
        guard isFolder.boolValue else { return isShard(path) ? [path] : nil }
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { !$0.hasPrefix(".") }
        let shards = names.filter(isShard).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        // Beside images a tar file is somebody's archive.
        guard !shards.isEmpty, !names.contains(where: { ShardName($0).isImage || isFolderName(path + "/" + $0) }) else {
            return nil
        }
        return shards.map { path + "/" + $0 }
    }

    static func isShard(_ name: String) -> Bool { name.lowercased().hasSuffix(".tar") }

    private static func isFolderName(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    /// `a-{08..11}.tar`: a-08.tar to a-11.tar.
    private static func matches(_ pattern: String) throws -> [String] {
        guard let open = pattern.firstIndex(of: "{"), let close = pattern[open...].firstIndex(of: "}"),
            case let ends = pattern[pattern.index(after: open)..<close].split(separator: "."), ends.count == 2,
            pattern[open..<close].contains(".."), let first = Int(ends[0]), let last = Int(ends[1]), first >= 0,
            first <= last, last - first < 1_000_000, !pattern[close...].contains("{")
        else {
            throw UserError(
                "\(PrintableName.of(pattern)) is no pattern of shards; one looks like photos-{000000..000011}.tar.",
                kind: .usage)
        }
        return (first...last).map { number in
            let digits = String(number)
            let zeros = String(repeating: "0", count: max(0, ends[0].count - digits.count))
            return pattern[..<open] + zeros + digits + pattern[pattern.index(after: close)...]
        }
    }
}
