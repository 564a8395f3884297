import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// The objects in pictures that nobody has annotated.
///
///     OUTPUT/boxes.json           COCO's list of results with boxes
///     OUTPUT/masks.json           the same with masks, where the detector makes them
///     OUTPUT/images.json          pictures and categories with the ids that the lists use, in COCO's form
///     OUTPUT/pictures/a.png       the pictures with boxes, masks, names and scores
package struct FolderDetection {
    package let trained: TrainedDetector
    /// Whether pictures are painted.
    package var draws = true

    package init(_ trained: TrainedDetector) { self.trained = trained }

    /// How a call ended.
    package struct Outcome: Sendable, Equatable {
        /// Pictures that were looked at.
        package fileprivate(set) var images = 0
        package fileprivate(set) var isFinished = true
        package fileprivate(set) var detections = 0
        package fileprivate(set) var skipped: [OutputFolder.Skipped] = []
    }

    /// The picture at a path, or those below it.
    package struct Images: Sendable {
        /// What each is called, and where it lies.
        package let files: [(name: String, path: String)]
        /// Nil for a single picture.
        package let folder: ImageFolder?

        /// - Throws: `UserError` where there are none.
        package init(at path: String) throws {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                throw UserError.file("read", path, ENOENT)
            }
            guard isFolder.boolValue else {
                folder = nil
                files = [(URL(fileURLWithPath: path).lastPathComponent, path)]
                return
            }
            let found = try ImageFolder(root: path)
            folder = found
            files = (0..<found.count).map { (found.name(of: $0), found.path(of: $0)) }
        }
    }

    /// - Parameters:
    ///   - progress: is told how many pictures are done, after each.
    ///   - isStopped: is asked after each picture; what is found so far is written.
    /// - Throws: `UserError` where the output holds something or lies among the images, two pictures would be painted to one file, or no picture can be read.
    package func write(
        _ images: Images, to output: String, progress: (Int) -> Void = { _ in }, isStopped: () -> Bool = { false }
    ) throws -> Outcome {
        let stems =
            draws
            ? try OutputFolder.stems(
                of: images.files.map(\.name),
                title: "The pictures cannot be painted into one folder; --no-pictures leaves that out") : []
        if let folder = images.folder { try OutputFolder.requireOutside(output, images: folder.root) }
        guard OutputFolder.contents(of: output).isEmpty else {
            throw UserError("\(PrintableName.of(output)) is not empty. Name a new folder.", kind: .usage)
        }
        try OutputFolder.make(output)
        let channels = trained.detector.network.architecture.channels
        var outcome = Outcome()
        var seen: [DetectionImage] = []
        var found: [Detection] = []
        for (number, image) in images.files.enumerated() {
            do throws(ImageProblem) {
                let pixels = try ImageFile.read(path: image.path, channels: channels).pixels
                let own = trained.inference.detections(in: pixels, place: seen.count)
                seen.append(
                    DetectionImage(id: number + 1, file: image.name, height: pixels.height, width: pixels.width))
                found += own
                if draws {
                    outcome.skipped += painted(pixels, own, to: "\(output)/pictures/\(stems[number]).png", image.name)
                }
            } catch {
                outcome.skipped.append(OutputFolder.Skipped(name: image.name, reason: error.detail))
            }
            progress(number + 1)
            if number + 1 < images.files.count, isStopped() {
                outcome.isFinished = false
                break
            }
        }
        guard !seen.isEmpty else {
            throw UserError(
                "None of \(images.files.count) pictures could be read: \(outcome.skipped.first?.reason ?? "").")
        }
        let data = DetectionData(classes: trained.classes, images: seen)
        let results = DetectionResults(found)
        try results.write(inFolder: output, masks: trained.detector.settings.masks, for: data)
        try writeList(data, to: "\(output)/images.json")
        outcome.images = seen.count
        outcome.detections = found.count
        return outcome
    }

    /// Paints a picture; what keeps it from being written is told like a picture that cannot be read.
    private func painted(
        _ pixels: Pixels, _ found: [Detection], to path: String, _ name: String
    ) -> [OutputFolder.Skipped] {
        let objects = found.filter { $0.score >= DetectionDrawing.lowestScore }.compactMap {
            DetectionDrawing.Object($0, classes: trained.classes)
        }
        do {
            try OutputFolder.make(FilePath.folder(of: path))
            try DetectionDrawing.picture(of: pixels, objects).write(to: path)
            return []
        } catch {
            return [OutputFolder.Skipped(name: name, reason: "could not be painted: \(error)")]
        }
    }

    private struct List: Encodable {
        struct Image: Encodable {
            let id: Int
            let fileName: String
            let height, width: Int

            enum CodingKeys: String, CodingKey {
                case id, height, width
                case fileName = "file_name"
            }
        }
        struct Category: Encodable {
            let id: Int
            let name: String
        }
        let images: [Image]
        let categories: [Category]
    }

    private func writeList(_ data: DetectionData, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let list = List(
            images: data.images.map {
                List.Image(id: $0.id, fileName: $0.file, height: $0.height, width: $0.width)
            }, categories: data.classes.map { List.Category(id: $0.id, name: $0.name) })
        try AtomicFile.write(encoder.encode(list) + Data("\n".utf8), to: path)
    }
}
