import Foundation
import SelfPatchFormats

/// The frames of one video: the images right in a folder, in the order of the numbers in their names.
package struct VideoFrames: Sendable {
    /// What the video is called in messages and results.
    package let name: String
    package let folder: String
    /// File names.
    package let files: [String]

    package var count: Int { files.count }

    /// - Throws: `UserError` where the folder is missing or holds no image, or where two frames differ in nothing but their
    ///   extension.
    package init(folder: String, name: String? = nil) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw UserError("There is no folder of frames at \(PrintableName.of(folder)).")
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw UserError("The folder \(PrintableName.of(folder)) cannot be read: \(error.localizedDescription)")
        }
        files = names.filter { name in
            !name.hasPrefix(".") && ImageFolder.extensions.contains((name as NSString).pathExtension.lowercased())
        }.sorted(by: Self.comesBefore)
        self.folder = folder
        self.name = name ?? URL(fileURLWithPath: folder).standardized.lastPathComponent
        guard !files.isEmpty else { throw UserError("The folder \(PrintableName.of(folder)) holds no image.") }
        var seen: [String: String] = [:]
        for file in files {
            if let other = seen.updateValue(file, forKey: Self.stem(file)) {
                throw UserError(
                    "The frames \(PrintableName.of(other)) and \(PrintableName.of(file)) in \(PrintableName.of(folder)) would "
                        + "share a result; rename one.")
            }
        }
    }

    package func path(_ index: Int) -> String { folder + "/" + files[index] }
    /// A frame's name without extension, which its mask shares.
    package func stem(_ index: Int) -> String { Self.stem(files[index]) }

    private static func stem(_ file: String) -> String { (file as NSString).deletingPathExtension }

    /// Frame 9 before frame 10 however they are padded; names that are equal so by their bytes.
    static func comesBefore(_ a: String, _ b: String) -> Bool {
        switch a.compare(b, options: [.numeric, .literal]) {
        case .orderedAscending: true
        case .orderedDescending: false
        case .orderedSame: Array(a.utf8).lexicographicallyPrecedes(Array(b.utf8))
        }
    }
}
