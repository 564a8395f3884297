import Foundation
import SelfPatchData
import SelfPatchFormats

/// Folders that results of many images are written to, a file an image.
package enum OutputFolder {
    /// An image that nothing was made of.
    package struct Skipped: Codable, Sendable, Equatable {
        /// Relative to the folder of images.
        package let name: String
        /// Continues a sentence that begins with the name.
        package let reason: String
    }

    /// Makes a folder, and those on the way to it.
    package static func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw UserError("Cannot make the folder \(PrintableName.of(path)): \(error.localizedDescription)")
        }
    }

    /// Refuses an output that lies in the folder of the images.
    static func requireOutside(_ output: String, images: String) throws {
        func whole(_ path: String) -> String { URL(filePath: path).standardizedFileURL.path + "/" }
        guard !whole(output).hasPrefix(whole(images)) else {
            throw UserError(
                "\(PrintableName.of(output)) lies in \(PrintableName.of(images)): what is written would be taken for images. "
                    + "Name a folder beside it.", kind: .usage)
        }
    }

    /// What a folder holds; nothing where it is not there.
    package static func contents(of path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0 != ".DS_Store" }
    }

    /// Names without their extensions, under which PNG files can be written.
    ///
    /// - Parameter title: how the message begins where two would be one file.
    static func stems(of names: [String], title: String) throws -> [String] {
        var problems = DataProblems()
        var owners: [String: String] = [:]
        let stems = names.map { ($0 as NSString).deletingPathExtension }
        for (stem, name) in zip(stems, names) {
            if let other = owners[stem] {
                problems.add(
                    "\(PrintableName.of(other)) and \(PrintableName.of(name)) would both be written as \(PrintableName.of(stem)).png"
                )
            }
            owners[stem] = name
        }
        try problems.throwIfAny(title: title)
        return stems
    }
}
