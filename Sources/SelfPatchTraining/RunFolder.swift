import Foundation
import SelfPatchFormats

/// The folder of one run and the names in it.
///
/// | name | what |
/// |---|---|
/// | `settings.yaml` | every setting of the run |
/// | `log.txt` | what a person wants to read |
/// | `metrics.jsonl` | every number of every step, one JSON object a line; the same for the same run, so without times |
/// | `speed.jsonl` | seconds of every step |
/// | `checkpoints/` | all that is needed to go on: `step-000000500.safetensors`, and `latest`, the newest one's name |
/// | `skipped-files.txt` | images that could not be read, each with the reason |
/// | `weights.safetensors` | the teacher, once the run is complete |
package struct RunFolder: Sendable {
    package let path: String

    package var settingsFile: String { path + "/settings.yaml" }
    package var logFile: String { path + "/log.txt" }
    package var metricsFile: String { path + "/metrics.jsonl" }
    package var speedFile: String { path + "/speed.jsonl" }
    package var skippedFiles: String { path + "/skipped-files.txt" }
    package var weightsFile: String { path + "/weights.safetensors" }
    package var checkpointFolder: String { path + "/checkpoints" }
    /// Holds the newest checkpoint's name, for people and scripts.
    package var latestFile: String { checkpointFolder + "/latest" }

    /// Whether a path leads to a folder of a run.
    package static func isRun(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/settings.yaml")
    }

    /// A folder that is known to hold a run.
    ///
    /// - Throws: `UserError` if there is none.
    package init(existing path: String) throws {
        self.path = Self.withoutSlash(path)
        guard FileManager.default.fileExists(atPath: path) else { throw UserError.file("read", path, ENOENT) }
        guard FileManager.default.fileExists(atPath: settingsFile) else {
            throw UserError(
                "\(path) holds no run: it has no settings.yaml. Name the folder that a command's `--output` made.",
                kind: .usage)
        }
    }

    private init(new path: String) { self.path = Self.withoutSlash(path) }

    /// Makes the folder of a new run, with its parents, and writes the settings into it.
    ///
    /// - Throws: `UserError` if the folder holds a run already, or something of the name of a run's file, or can't be made.
    package static func create(at path: String, settings: String) throws -> RunFolder {
        let folder = try checkedForNewRun(at: path)
        try makeFolder(folder.path)
        // Of two processes that begin a run here at once, the second finds the settings of the first.
        let lock = try folder.lock()
        try checkedForNewRun(at: path)
        try AtomicFile.write(Data(settings.utf8), to: folder.settingsFile)
        try folder.prepare()
        return withExtendedLifetime(lock) { folder }
    }

    /// Makes what a killed process may not have come to make, and deletes what it has left behind half written.
    package func prepare() throws {
        try Self.makeFolder(checkpointFolder)
        for folder in [path, checkpointFolder] {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            where name.hasSuffix(AtomicFile.partialSuffix) {
                unlink(folder + "/" + name)
            }
        }
    }

    /// The folder for a new run, not made yet.
    ///
    /// - Throws: `UserError` if it holds a run already, or something of the name of a run's file.
    @discardableResult
    package static func checkedForNewRun(at path: String) throws -> RunFolder {
        let folder = RunFolder(new: path)
        let manager = FileManager.default
        if manager.fileExists(atPath: folder.settingsFile) {
            let checkpoints = (try? folder.checkpoints()) ?? []
            let done = checkpoints.first.map { ", saved after \($0.step) steps" } ?? ""
            throw UserError(
                "\(path) holds another run already\(done). Go on with it by `--resume \(path)`, or choose another folder.",
                kind: .usage)
        }
        var isFolder: ObjCBool = false
        if manager.fileExists(atPath: folder.path, isDirectory: &isFolder), !isFolder.boolValue {
            throw UserError("\(path) is a file; a run needs a folder. Choose another name.", kind: .usage)
        }
        for name in [
            folder.logFile, folder.metricsFile, folder.checkpointFolder, folder.weightsFile,
        ] where manager.fileExists(atPath: name) {
            throw UserError(
                "\(name) is there already, but \(path) has no settings.yaml: it looks like a run whose settings are lost. "
                    + "Choose another folder.", kind: .usage)
        }
        return folder
    }

    /// Makes sure that no other process works in this folder, for as long as the result lives.
    package func lock() throws -> RunLock { try RunLock(path: path + "/.lock", run: path) }

    /// A checkpoint's file and the steps that were done when it was saved.
    package struct CheckpointFile: Equatable, Sendable {
        package let step: Int
        package let path: String
    }

    /// The checkpoints' files, newest first. They are whole, unless something damaged them: a name appears only after all
    /// bytes are on the disk.
    package func checkpoints() throws -> [CheckpointFile] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: checkpointFolder)
        } catch {
            throw UserError.file("read", checkpointFolder, access(checkpointFolder, R_OK) == 0 ? EIO : errno)
        }
        return names.compactMap { name -> CheckpointFile? in
            guard name.hasPrefix("step-"), name.hasSuffix(".safetensors"),
                let step = Int(name.dropFirst("step-".count).dropLast(".safetensors".count))
            else { return nil }
            return CheckpointFile(step: step, path: checkpointFolder + "/" + name)
        }.sorted { $0.step > $1.step }
    }

    /// Where the newest checkpoint is, in a sentence.
    package var lastGoodState: String {
        get throws {
            try checkpoints().first.map { "The last good state, after \($0.step) steps, is in \($0.path)." }
                ?? "No checkpoint had been saved before."
        }
    }

    /// The file of the checkpoint after so many steps.
    package func checkpointFile(after step: Int) -> String {
        let digits = String(step)
        return checkpointFolder + "/step-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
            + ".safetensors"
    }

    /// Makes a folder and its parents; a folder that exists is left as it is.
    private static func makeFolder(_ path: String) throws {
        if mkdir(path, 0o755) == 0 { return }
        let code = errno
        let parent = FilePath.folder(of: path)
        switch code {
        case EEXIST: return
        case ENOENT where parent != path:
            try makeFolder(parent)
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw UserError.file("create", path, errno) }
        default: throw UserError.file("create", path, code)
        }
    }

    private static func withoutSlash(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

/// Held by the process that works in a run's folder; the system lets go of it when the process ends, however it ends.
package final class RunLock {
    private let descriptor: Int32

    fileprivate init(path: String, run: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw UserError.file("write", path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw UserError.file("write", path, code) }
            throw UserError("Another process is working in \(run). Wait for it, stop it, or choose another folder.")
        }
    }

    deinit { close(descriptor) }
}
