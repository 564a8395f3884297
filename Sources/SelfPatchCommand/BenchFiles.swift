import Foundation
import SelfPatchData
import SelfPatchFormats

/// Image files in memory.
struct BenchFiles: Sendable {
    /// Where they are from, for reports.
    let title: String
    let files: [(name: String, bytes: Data)]

    /// The readable images of a folder.
    init(folder: String) throws {
        let images = try ImageFolder(root: folder)
        let files = (0..<images.count).compactMap { index -> (name: String, bytes: Data)? in
            guard let bytes = FileManager.default.contents(atPath: images.path(of: index)),
                (try? Self.decode(bytes, name: "")) != nil
            else { return nil }
            return (images.name(of: index), bytes)
        }
        guard !files.isEmpty else { throw UserError("None of the \(images.count) images in \(folder) can be read.") }
        title = folder
        self.files = files
    }

    /// Drawn scenes as JPEGs of quality 90.
    init(scenes: Int) throws {
        var settings = SceneGenerator.Settings()
        settings.side = 430
        let generator = SceneGenerator(seed: 0, settings: settings)
        files = try (0..<scenes).map { ("scene \($0)", try JPEGFile.encode(generator.scene($0).pixels, quality: 90)) }
        title = "drawn scenes"
    }

    func decoded(_ index: Int) throws -> Pixels {
        try Self.decode(files[index].bytes, name: files[index].name)
    }

    /// The files again and again, until there are as many as asked for.
    func source(atLeast count: Int) -> ImageSource {
        let files = self
        return ImageSource(
            count: max(files.files.count, count), name: { files.files[$0 % files.files.count].name },
            read: { try files.decoded($0 % files.files.count) }, skip: { _, error in throw error })
    }

    private static func decode(_ bytes: Data, name: String) throws -> Pixels {
        try bytes.withUnsafeBytes { try ImageFile.decode($0, name: name, channels: 3) }
    }
}
