import Foundation
import SelfPatchFormats

/// Where a data set in COCO's layout has its annotations and its images:
///
///     DIR/annotations/instances_train.json     or instances_train2017.json
///     DIR/annotations/instances_val.json       or instances_val2017.json
///     DIR/images/                              or DIR/train2017/, DIR/val2017/, DIR/images/train2017/ ...
package struct COCOFolder: Sendable {
    package let root: String
    /// What the part of the data is called: the end of its file's name.
    package let split: String
    package let annotationFile: String

    /// The layout as `--help` shows it.
    package static let tree = """
          DIR/annotations/instances_train.json   images, boxes, masks, classes
          DIR/annotations/instances_val.json     or instances_val2017.json
          DIR/images/                            or DIR/train2017/ and DIR/val2017/, or these two in DIR/images/
        """

    /// - Parameter split: `train`, `val`, or how else a file `instances_SPLIT.json` ends; a year may be left out.
    /// - Throws: `UserError` that names what is there instead.
    package init(root: String, split: String) throws {
        let folder = "\(root)/annotations"
        let manager = FileManager.default
        guard manager.fileExists(atPath: root) else {
            throw UserError("There is no folder of images and annotations at \(PrintableName.of(root)).")
        }
        let files = try manager.fileExists(atPath: folder) ? Self.names(in: folder) : []
        let splits = files.filter { $0.hasPrefix("instances_") && $0.hasSuffix(".json") }
            .map { String($0.dropFirst("instances_".count).dropLast(".json".count)) }
        let fitting = splits.filter { $0 == split || ($0.hasPrefix(split) && Int($0.dropFirst(split.count)) != nil) }
        guard let found = fitting.contains(split) ? split : fitting.first else {
            var words = "It has to lie in \(PrintableName.of(folder)), beside the images:\n\(Self.tree)"
            if !splits.isEmpty {
                let list = splits.map { "'\(PrintableName.of($0))'" }.joined(separator: ", ")
                words = "There \(splits.count == 1 ? "is" : "are") \(list)."
            } else if !files.isEmpty {
                let others = files.prefix(5).map(PrintableName.of).joined(separator: ", ")
                words = "\(PrintableName.of(folder)) holds \(others). " + words
            }
            throw UserError(
                "\(PrintableName.of(root)) has no file instances_\(PrintableName.of(split)).json. \(words)",
                kind: .usage)
        }
        guard fitting.contains(split) || fitting.count == 1 else {
            let list = fitting.map { "'\(PrintableName.of($0))'" }.joined(separator: ", ")
            throw UserError(
                "'\(split)' may mean any of \(list) in \(PrintableName.of(folder)): name one.", kind: .usage)
        }
        self.root = root
        self.split = found
        annotationFile = "\(folder)/instances_\(found).json"
    }

    private static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw UserError("Cannot read \(PrintableName.of(folder)): \(error.localizedDescription)")
        }
    }

    /// The folder of the images.
    ///
    /// - Throws: `UserError` that lists where it was looked for.
    package func imageFolder() throws -> String {
        let places = ["images/\(split)", split, "images"]
        for place in places {
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: "\(root)/\(place)", isDirectory: &isFolder), isFolder.boolValue {
                return "\(root)/\(place)"
            }
        }
        throw UserError(
            "\(PrintableName.of(root)) has no folder of images: none of \(places.map(PrintableName.of).joined(separator: ", ")) "
                + "is there.")
    }
}
