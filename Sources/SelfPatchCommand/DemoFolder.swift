import Foundation
import SelfPatchFormats

/// The folder that a demo writes to. What a former demo left there goes; a folder that holds anything else is refused.
struct DemoFolder {
    let path: String

    var runFolder: String { path + "/run" }
    var featuresPicture: String { path + "/features.png" }
    var scenesPicture: String { path + "/scenes.png" }
    var scoresFile: String { path + "/scores.json" }
    /// Marks the folder as one that a demo made.
    private var mark: String { path + "/made-by-selfpatch-demo" }

    /// Makes the folder, empty but for the mark.
    func clear() throws {
        let manager = FileManager.default
        var isFolder: ObjCBool = false
        if manager.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                throw UserError(
                    "\(path) is a file; the demo needs a folder. Choose another with --output.", kind: .usage)
            }
            let names = (try? manager.contentsOfDirectory(atPath: path)) ?? []
            guard names.isEmpty || manager.fileExists(atPath: mark) else {
                throw UserError(
                    "\(path) holds other things than a former demo. Choose another folder with --output.", kind: .usage)
            }
        }
        do {
            for own in ["scenes", "run", "features.png", "scenes.png", "scores.json"] {
                let path = "\(path)/\(own)"
                if manager.fileExists(atPath: path) { try manager.removeItem(atPath: path) }
            }
            try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: mark))
        } catch {
            throw UserError("Cannot make the folder \(path): \(error.localizedDescription)")
        }
    }
}
