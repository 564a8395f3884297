import SelfPatchData
import SelfPatchFormats

/// A folder of images whose classes are the folders right below it.
package struct ClassFolder: Sendable {
    package let folder: ImageFolder
    /// Names of the classes, sorted; their places are the class numbers.
    package var classes: [String] { folder.topFolders }

    package var count: Int { folder.count }

    /// - Throws: `UserError` where there is no such folder, no image, or an image without a class.
    package init(root: String) throws {
        folder = try ImageFolder(root: root)
        if let stray = (0..<folder.count).first(where: { [folder] in folder.topFolder(of: $0) == nil }) {
            let name = PrintableName.of(folder.name(of: stray))
            throw UserError(
                "\(root) must hold a folder for each class; the image \(name) lies beside these. Put it into its class's "
                    + "folder, or take it away.", kind: .usage)
        }
    }

    /// The class of an image.
    package func label(of index: Int) -> Int {
        guard let label = folder.topFolder(of: index) else {
            preconditionFailure("image \(index) without a class, which was checked at the start")
        }
        return label
    }

    /// Decodes an image for a model with this number of channels.
    package func pixels(of index: Int, channels: Int) throws -> Pixels {
        try ImageFile.decode(path: folder.path(of: index), channels: channels)
    }

    /// The class numbers of another folder's classes in this one's.
    ///
    /// - Throws: `UserError` that names the classes that are missing here.
    package func numbers(ofClassesIn other: ClassFolder) throws -> [Int] {
        let places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        let missing = other.classes.filter { places[$0] == nil }
        guard missing.isEmpty else {
            let names = missing.map { "'\(PrintableName.of($0))'" }.listed(5)
            throw UserError(
                "\(other.folder.root) has classes that \(folder.root) lacks: \(names). Both must name their classes "
                    + "alike; \(folder.root) has \(classes.count).", kind: .usage)
        }
        return other.classes.compactMap { places[$0] }
    }
}
