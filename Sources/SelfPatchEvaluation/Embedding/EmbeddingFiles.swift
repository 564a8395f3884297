import Foundation
import SelfPatchData
import SelfPatchFormats

/// The files of an embedding: the features, and beside them the names of their rows, what was skipped, and what they are.
///
/// Rows are collected in a file of their own that becomes the output, or is copied into it, when all are there. Names and
/// skipped files are written before the rows count, so that after a kill the rows say how much holds.
final class EmbeddingFiles {
    /// Where a file of features belongs by its name.
    enum Container: String, CaseIterable {
        case npy
        case safetensors
    }

    static let unfinishedSuffix = ".unfinished"

    /// The first image whose row is not saved: a multiple of the batch, or the number of images.
    private(set) var position = 0
    private(set) var skippedCount = 0

    private let output: String
    private let container: Container
    private var description: EmbeddingDescription
    private let rows: NPYWriter
    private let names: LineFile
    private let skipped: LineFile

    /// Begins, or goes on where the files of an earlier call end.
    ///
    /// - Throws: `UserError` if the output is there already, or if what is unfinished was made of something else.
    init(
        output: String, _ description: EmbeddingDescription, _ elementType: SafetensorsFile.ElementType,
        _ folder: ImageFolder
    ) throws {
        guard let container = Container(rawValue: (output as NSString).pathExtension) else {
            throw UserError("\(output) does not say its format: it has to end in .npy or .safetensors.", kind: .usage)
        }
        guard !FileManager.default.fileExists(atPath: output) else {
            throw UserError("\(output) is there already. Remove it, or choose another name.", kind: .usage)
        }
        self.output = output
        self.container = container
        self.description = description
        let base = (output as NSString).deletingPathExtension
        let unfinished = output + Self.unfinishedSuffix
        let (namesPath, skippedPath) = (base + ".names.txt", base + ".skipped.txt")
        guard FileManager.default.fileExists(atPath: unfinished) else {
            try Self.write(description, to: base + ".json")
            names = try LineFile(path: namesPath, keeping: nil)
            skipped = try LineFile(path: skippedPath, keeping: nil)
            rows = try NPYWriter(path: unfinished, elementType: elementType, rowShape: description.shape)
            return
        }
        let before = try Self.read(base + ".json")
        let differences = description.differences(from: before)
        guard differences.isEmpty else {
            throw UserError(
                "Cannot go on with \(unfinished): it was made with other things: \(differences.joined(separator: ", ")). "
                    + "Remove it, or choose another name for the output.", kind: .usage)
        }
        let saved = try NPYWriter.savedRows(in: unfinished)
        let places = try Self.places(inSkipped: skippedPath)
        let (position, skippedCount) = Self.position(rows: saved, skipped: places, description)
        self.position = position
        self.skippedCount = skippedCount
        var kept = 0
        skipped = try LineFile(path: skippedPath) { _ in
            kept += 1
            return kept <= skippedCount
        }
        // The names are those of the folder as it is now, or it is another folder.
        let isSkipped = Set(places.prefix(skippedCount))
        var (image, seen) = (0, 0)
        names = try LineFile(path: namesPath) { line in
            guard seen < saved else { return false }
            while isSkipped.contains(image) { image += 1 }
            guard image < folder.count, line == PrintableName.of(folder.name(of: image)) else { return false }
            image += 1
            seen += 1
            return true
        }
        guard seen == saved, position - skippedCount == saved else {
            throw UserError(
                "Cannot go on with \(unfinished): its \(saved) rows do not fit the files now in \(folder.root). Remove it to "
                    + "begin anew.")
        }
        rows = try NPYWriter(path: unfinished, elementType: elementType, rowShape: description.shape, resuming: saved)
    }

    /// Takes a batch's names and rows; nothing counts before `save()`.
    ///
    /// - Parameter values: of all rows, row-major; nil where no image could be read.
    func append(
        names batch: [String], _ values: UnsafeRawBufferPointer?, skipped failed: [(index: Int, error: UserError)],
        upTo end: Int
    ) throws {
        for name in batch { names.append(PrintableName.of(name)) }
        for (index, error) in failed { skipped.append("\(index)\t\(PrintableName.of(error.message))") }
        skippedCount += failed.count
        if let values { try rows.append(values) }
        position = end
    }

    func save() throws {
        try names.save()
        try skipped.save()
        try rows.save()
    }

    /// Puts the features in their place.
    ///
    /// - Throws: `UserError` if there is no row, or if something cannot be written.
    func finish() throws {
        guard rows.rows > 0 else {
            throw UserError("None of \(description.images) images could be read: see \(skipped.path).")
        }
        try names.save()
        try skipped.save()
        try rows.finish()
        description.rows = rows.rows
        switch container {
        case .npy: break
        case .safetensors: try writeSafetensors()
        }
        try Self.write(description, to: (output as NSString).deletingPathExtension + ".json")
        if container == .npy {
            guard rename(rows.path, output) == 0 else { throw UserError.file("write", output, errno) }
        } else {
            unlink(rows.path)
        }
    }

    private func writeSafetensors() throws {
        let file = try MappedFile(path: rows.path)
        let header = try file.withBytes { try NPYHeader($0, path: rows.path) }
        let item = SafetensorsWriter.Item(
            name: "features", elementType: rows.elementType, shape: header.shape
        ) { body in
            try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[header.dataOffset...])) }
        }
        let json = String(decoding: try Self.encoded(description), as: UTF8.self)
        try SafetensorsWriter.write([item], metadata: ["description": json], to: output)
    }

    /// How far the saved rows reach: all images before a batch's first one, with how many of them were skipped.
    static func position(
        rows: Int, skipped: [Int], _ description: EmbeddingDescription
    ) -> (position: Int, skipped: Int) {
        var position = rows
        for place in skipped where place <= position { position += 1 }
        if position < description.images { position -= position % description.batch }
        return (position, skipped.filter { $0 < position }.count)
    }

    private static func places(inSkipped path: String) throws -> [Int] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        return text.split(separator: "\n").compactMap { $0.split(separator: "\t").first.flatMap { Int($0) } }
    }

    private static func encoded(_ description: EmbeddingDescription) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(description)
    }

    private static func write(_ description: EmbeddingDescription, to path: String) throws {
        try AtomicFile.write(encoded(description) + Data("\n".utf8), to: path)
    }

    private static func read(_ path: String) throws -> EmbeddingDescription {
        guard let data = FileManager.default.contents(atPath: path),
            let description = try? JSONDecoder().decode(EmbeddingDescription.self, from: data)
        else {
            throw UserError("Cannot go on: \(path) is not there, or damaged. Remove the unfinished file to begin anew.")
        }
        return description
    }
}
