import Foundation

/// An empty folder for one test; see `withTemporaryFolder`.
package struct TemporaryFolder: Sendable {
    package let path: String

    /// A path inside the folder; nothing is made there.
    package func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file inside the folder, with the folders on its way, and returns its path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try write(Data(text.utf8), to: name)
    }

    @discardableResult
    package func write(_ data: Data, to name: String) throws -> String {
        let url = URL(fileURLWithPath: file(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
        return url.path
    }

    /// What a file inside the folder holds.
    package func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }

    package func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

    fileprivate init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("selfpatch-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    fileprivate func remove() {
        // A test may have taken the folder's permissions away. The removal is a courtesy, so it may fail quietly.
        try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// Gives the body an empty folder and removes it afterwards, also when the body throws.
///
/// A closure rather than an object whose end removes it: Swift may end an object's life right after its last use, which
/// can be before the last use of a path in it.
package func withTemporaryFolder<Result>(_ body: (TemporaryFolder) throws -> Result) throws -> Result {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    return try body(folder)
}

package func withTemporaryFolder<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: (TemporaryFolder) async throws -> Result
) async throws -> Result {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    return try await body(folder)
}
