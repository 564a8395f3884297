import SelfPatchFormats

/// The image files below a folder, in an order that depends on their names alone.
///
/// Files are chosen by extension, in upper or lower case; what they hold is found out when they are read. Files and
/// folders whose name begins with a dot are passed over, macOS's `._` files with them. Links are followed. The order is
/// that of the names' bytes: a folder's own files first, then its folders.
///
/// A folder of a million files takes some 25 MB: names lie in one block, each folder's path once.
package struct ImageFolder: Sendable {
    /// The folder as it was given.
    package let root: String
    /// What the walk could not enter or name: unreadable folders, links that lead in circles or nowhere, names that are
    /// not UTF-8. Broken *files* are among the images, and found when they are read.
    package let problems: [Problem]
    /// How many files were passed over because their extension is not that of an image.
    package let passedOver: Int
    /// The names of the folders right below the root that hold images, sorted; the classes, where folders mean that.
    package let topFolders: [String]
    /// The names of those that hold none. A folder that two links lead to counts here under its second name.
    package let emptyTopFolders: [String]

    package struct Problem: Sendable, Equatable {
        /// Relative to the root.
        package let name: String
        package let problem: ImageProblem

        package init(name: String, problem: ImageProblem) {
            self.name = name
            self.problem = problem
        }
    }

    private let files: NameTable
    private let folders: NameTable
    /// The first file of each folder, rising.
    private let firstFiles: [Int]
    /// For each folder its place in `topFolders`; -1 for the root.
    private let topOfFolder: [Int]

    /// Extensions that are listed. The last row are pictures that cannot be read: naming them is better than silence.
    package static let extensions: Set<String> = [
        "jpg", "jpeg", "jpe", "jfif", "png", "apng", "webp", "bmp", "dib", "tif", "tiff", "gif",
        "heic", "heif", "avif", "jxl", "jp2",
    ]

    /// Walks through the folder.
    ///
    /// - Throws: `UserError` if there is no such folder, it cannot be read, or it holds no image.
    package init(root: String) throws {
        var walk = FolderWalk(root: root)
        try walk.run()
        self.root = root
        files = walk.files
        folders = walk.folders
        firstFiles = walk.firstFiles
        problems = walk.problems
        passedOver = walk.passedOver

        var tops: [String] = []
        topOfFolder = (0..<walk.folders.count).map { index in
            guard let top = walk.folders.string(index).split(separator: "/").first else { return -1 }
            if tops.last != String(top) { tops.append(String(top)) }
            return tops.count - 1
        }
        topFolders = tops
        let filled = Set(tops)
        emptyTopFolders = walk.topFolders.filter { !filled.contains($0) }
        if files.count == 0 { throw walk.emptiness() }
    }

    /// The number of images.
    package var count: Int { files.count }

    /// The path relative to the root, for messages and lists.
    package func name(of index: Int) -> String {
        let folder = folders.string(folderIndex(of: index))
        let file = files.string(index)
        return folder.isEmpty ? file : folder + "/" + file
    }

    /// The path to open.
    package func path(of index: Int) -> String {
        root.hasSuffix("/") ? root + name(of: index) : root + "/" + name(of: index)
    }

    /// The place of the image's top folder in `topFolders`; nil for an image in the root itself.
    package func topFolder(of index: Int) -> Int? {
        let top = topOfFolder[folderIndex(of: index)]
        return top < 0 ? nil : top
    }

    private func folderIndex(of file: Int) -> Int {
        precondition(file >= 0 && file < count, "image \(file) of \(count)")
        // The last folder that begins at or before the file; folders without files are not in the list.
        var low = 0
        var high = firstFiles.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if firstFiles[middle] <= file { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
