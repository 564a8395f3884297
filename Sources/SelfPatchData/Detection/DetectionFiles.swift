import Foundation
import SelfPatchFormats

/// The image files of a detection data set.
package struct DetectionFiles: Sendable {
    package let data: DetectionData
    package let folder: String

    package init(_ data: DetectionData, folder: String) {
        self.data = data
        self.folder = folder
    }

    package func path(_ index: Int) -> String { folder + "/" + data.images[index].file }

    /// Looks at every file's header, so that what is missing shows before anything is trained.
    ///
    /// - Parameters:
    ///   - problems: gets a sentence for each file that is not there, cannot be read, or has another size than its annotation.
    ///   - threads: 0 takes one for each processor.
    ///   - progress: is told how many are done.
    package func check(_ problems: inout DataProblems, threads: Int = 0, progress: (Int) -> Void = { _ in }) {
        let threads = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        let block = 64 * threads
        for start in stride(from: 0, to: data.images.count, by: block) {
            let count = min(block, data.images.count - start)
            for sentence in concurrently(count, threads: threads, { problem(of: start + $0) }) {
                if let sentence { problems.add(sentence) }
            }
            progress(start + count)
        }
    }

    private func problem(of index: Int) -> String? {
        let image = data.images[index]
        if image.file.isEmpty { return "image \(image.id) has no file_name" }
        let name = "image \(image.id), \(PrintableName.of(image.file)),"
        guard !image.file.hasPrefix("/"), !image.file.split(separator: "/").contains("..") else {
            return "\(name) leads out of the folder of images"
        }
        do {
            let size = try ImageFile.size(path: path(index))
            guard size != (image.height, image.width) else { return nil }
            return "\(name) has \(size.height) x \(size.width) pixels, its annotations are for \(image.height) x "
                + "\(image.width)"
        } catch {
            return "\(name) \(error.detail)"
        }
    }

    /// The images with their objects for a loader; one that cannot be read ends the run, for they were all checked before.
    package func source(channels: Int = 3) -> SampleSource<DetectionSample> {
        SampleSource(
            count: data.images.count, name: { data.images[$0].file }, read: { try sample($0, channels: channels) },
            skip: { throw $1 })
    }

    /// An image with its objects.
    ///
    /// - Throws: `UserError` where it cannot be read, or has another size than its annotation.
    package func sample(_ index: Int, channels: Int = 3) throws -> DetectionSample {
        let image = data.images[index]
        let pixels = try ImageFile.decode(path: path(index), channels: channels)
        guard (pixels.height, pixels.width) == (image.height, image.width) else {
            throw UserError(
                "The image \(PrintableName.of(image.file)) has \(pixels.height) x \(pixels.width) pixels, its annotations are "
                    + "for \(image.height) x \(image.width).")
        }
        return DetectionSample(image: pixels, objects: image.objects)
    }
}

/// An image with its objects.
package struct DetectionSample: Sendable {
    package let image: Pixels
    package let objects: [DetectionObject]

    package init(image: Pixels, objects: [DetectionObject]) {
        self.image = image
        self.objects = objects
    }
}
