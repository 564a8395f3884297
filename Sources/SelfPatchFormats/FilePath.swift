/// Parts of paths.
package enum FilePath {
    /// The folder that a path's last part lies in, as POSIX's `dirname` has it: `a` for `a/b` and `a/b/`, `.` for `b`, `/` for
    /// `/b` and `/`.
    ///
    /// `NSString.deletingLastPathComponent` stops the program for a name of one character (Foundation of Swift 6.3 on Linux).
    package static func folder(of path: String) -> String {
        let slash = UInt8(ascii: "/")
        func withoutSlashes(_ bytes: Substring.UTF8View) -> Substring.UTF8View {
            var bytes = bytes
            while bytes.last == slash { bytes.removeLast() }
            return bytes
        }
        var bytes = withoutSlashes(path[...].utf8)
        while let last = bytes.last, last != slash { bytes.removeLast() }
        let folder = withoutSlashes(bytes)
        guard folder.isEmpty else { return String(Substring(folder)) }
        return path.utf8.first == slash ? "/" : "."
    }
}
