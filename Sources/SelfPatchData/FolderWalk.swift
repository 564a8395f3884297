import Foundation
import SelfPatchFormats

/// One walk through a folder tree; `ImageFolder` keeps what it finds.
struct FolderWalk {
    let root: String
    private(set) var files = NameTable()
    /// Paths relative to the root, of folders that hold images themselves.
    private(set) var folders = NameTable()
    private(set) var firstFiles: [Int] = []
    private(set) var problems: [ImageFolder.Problem] = []
    private(set) var passedOver = 0
    /// Names of the folders right below the root, whatever they hold.
    private(set) var topFolders: [String] = []
    private var passedOverExtensions: [String: Int] = [:]

    /// A folder's identity, whatever path leads to it.
    private struct Identity: Hashable {
        let device: UInt64
        let number: UInt64

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            number = UInt64(status.st_ino)
        }
    }

    /// The folders on the way from the root to here: a link to one of them leads in a circle.
    private var way: [Identity] = []
    /// Folders seen below a link. Each is walked once through links (and once at its own place, if that is in the tree):
    /// otherwise a handful of folders linked to each other would have more paths than anyone can list.
    private var linked: Set<Identity> = []

    init(root: String) {
        self.root = root
    }

    mutating func run() throws {
        guard !root.isEmpty else { throw UserError("The name of the image folder is empty.", kind: .usage) }
        var status = stat()
        guard stat(root, &status) == 0 else {
            let problem = FileContent.openingProblem(root, errno)
            switch problem.reason {
            case .notFound: throw UserError("There is no folder \(PrintableName.of(root)).")
            default: throw UserError("The image folder \(PrintableName.of(root)) \(problem.detail).")
            }
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw UserError("\(PrintableName.of(root)) is not a folder. Give the folder that holds the images.")
        }
        if let problem = walk("", isLinked: false) {
            throw UserError("The image folder \(PrintableName.of(root)) \(problem.detail).")
        }
        files.shrink()
    }

    /// What to say about a tree without images.
    func emptiness() -> UserError {
        let known = "JPEG, PNG, WebP, BMP, TIFF and GIF files are found by their extension, in folders below as well"
        var text = "The folder \(PrintableName.of(root)) holds no images"
        if passedOver > 0 {
            let common = passedOverExtensions.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
            let kinds = common.map { $0.key.isEmpty ? "without extension" : "." + PrintableName.of($0.key) }
            text += ", only \(passedOver) other file\(passedOver == 1 ? "" : "s") (\(kinds.joined(separator: ", ")))"
        }
        text += ". \(known)."
        for problem in problems.prefix(3) {
            text += " \(PrintableName.of(problem.name)) \(problem.problem.detail)."
        }
        return UserError(text)
    }

    // MARK: - The walk

    private enum Kind {
        case folder
        case linkedFolder
        case file
        case brokenLink(ImageProblem)
    }

    /// Lists one folder and those in it.
    ///
    /// - Returns: why the folder cannot be listed, which is its parent's to note.
    private mutating func walk(_ folder: String, isLinked: Bool) -> ImageProblem? {
        let path = folder.isEmpty ? root : root + "/" + folder
        guard let stream = opendir(path) else {
            return FileContent.problem(errno, "is a folder that cannot be listed")
        }
        var status = stat()
        guard fstat(dirfd(stream), &status) == 0 else {
            closedir(stream)
            return FileContent.problem(errno, "is a folder that cannot be listed")
        }
        let identity = Identity(status)
        if way.contains(identity) {
            closedir(stream)
            return ImageProblem(.linkLoop, "is a link to a folder that it lies in itself")
        }
        if isLinked && !linked.insert(identity).inserted {
            closedir(stream)
            return nil
        }
        way.append(identity)
        defer { way.removeLast() }

        var fileNames = NameTable()
        var folderNames: [(name: String, isLinked: Bool)] = []
        let readingProblem = list(stream, folder: folder, files: &fileNames, folders: &folderNames)
        closedir(stream)

        if fileNames.count > 0 {
            folders.append(folder.utf8)
            firstFiles.append(files.count)
            for index in fileNames.sortedIndices() { files.append(fileNames[index]) }
        }
        folderNames.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        if folder.isEmpty { topFolders = folderNames.map(\.name) }
        for inner in folderNames {
            let name = Self.join(folder, inner.name)
            if let problem = walk(name, isLinked: isLinked || inner.isLinked) {
                problems.append(.init(name: name, problem: problem))
            }
        }
        return readingProblem
    }

    /// Sorts the entries of an open folder into files and folders.
    private mutating func list(
        _ stream: FolderStream, folder: String, files: inout NameTable, folders: inout [(name: String, isLinked: Bool)]
    ) -> ImageProblem? {
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                return errno == 0 ? nil : FileContent.problem(errno, "is a folder that cannot be listed to its end")
            }
            let type = Int32(entry.pointee.d_type)
            let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard bytes.first != UInt8(ascii: ".") else { continue }
            let isImage = Self.isImage(bytes)
            // Most entries are plain files, of which nothing needs to be asked.
            if type == Int32(DT_REG) && !isImage {
                passOver(bytes)
                continue
            }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                let repaired = String(decoding: bytes, as: UTF8.self)
                problems.append(
                    .init(
                        name: Self.join(folder, repaired),
                        problem: ImageProblem(.badName, "has a name that is not UTF-8 text; rename it")))
                continue
            }
            switch kind(of: Self.join(folder, name), type: type) {
            case .folder: folders.append((name, false))
            case .linkedFolder: folders.append((name, true))
            case .file where isImage: files.append(bytes)
            case .file: passOver(bytes)
            // Under an image's name the reader will say the same; otherwise nobody would.
            case .brokenLink where isImage: files.append(bytes)
            case .brokenLink(let problem): problems.append(.init(name: Self.join(folder, name), problem: problem))
            }
        }
    }

    private func kind(of name: String, type: Int32) -> Kind {
        if type == Int32(DT_DIR) { return .folder }
        if type == Int32(DT_REG) { return .file }
        let path = root + "/" + name
        var status = stat()
        if type == Int32(DT_UNKNOWN) {
            guard lstat(path, &status) == 0 else { return .file }
            if status.st_mode & S_IFMT == S_IFDIR { return .folder }
            if status.st_mode & S_IFMT != S_IFLNK { return .file }
        } else if type != Int32(DT_LNK) {
            return .file
        }
        guard stat(path, &status) == 0 else { return .brokenLink(FileContent.openingProblem(path, errno)) }
        return status.st_mode & S_IFMT == S_IFDIR ? .linkedFolder : .file
    }

    private mutating func passOver(_ name: [UInt8]) {
        passedOver += 1
        let found = Self.fileExtension(of: name).map { String(decoding: $0, as: UTF8.self).lowercased() } ?? ""
        // A folder of a million numbered endings must not fill the memory.
        if passedOverExtensions.count < 100 || passedOverExtensions[found] != nil {
            passedOverExtensions[found, default: 0] += 1
        }
    }

    // MARK: - Names

    private static func join(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : folder + "/" + name
    }

    private static func fileExtension(of name: [UInt8]) -> ArraySlice<UInt8>? {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return nil }
        return name[(dot + 1)...]
    }

    private static func isImage(_ name: [UInt8]) -> Bool {
        guard let found = fileExtension(of: name), found.count <= 5 else { return false }
        return ImageFolder.extensions.contains(String(decoding: found, as: UTF8.self).lowercased())
    }
}

#if canImport(Darwin)
    private typealias FolderStream = UnsafeMutablePointer<DIR>
#else
    private typealias FolderStream = OpaquePointer
#endif
