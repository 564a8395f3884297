import Foundation
import SelfPatchFormats

/// An image and the class of each of its pixels.
package struct LabelledImage: Sendable {
    package let image: Pixels
    /// One channel: class numbers, and `LabelNumbering.none`.
    package let labels: Pixels

    package init(image: Pixels, labels: Pixels) {
        precondition(
            labels.channels == 1 && image.height == labels.height && image.width == labels.width,
            "labels of \(labels.height) x \(labels.width) for an image of \(image.height) x \(image.width)")
        self.image = image
        self.labels = labels
    }
}

/// Images with label maps in two folder trees, and what their numbers mean.
///
/// `check` reads every label map and every image's header, and tells all that is wrong at once; without it mistakes show
/// when they are read.
package struct LabelledFolder: Sendable {
    package let pairs: FolderPairs
    package let numbering: LabelNumbering
    package let classCount: Int
    private let classes: [UInt8?]

    package var count: Int { pairs.count }

    /// - Parameter classCount: labels of this and above, counted from the first class, are mistakes but for `ignored`.
    package init(_ pairs: FolderPairs, numbering: LabelNumbering, classCount: Int) {
        precondition(1...255 ~= classCount, "\(classCount) classes in maps of 8 bits")
        self.pairs = pairs
        self.numbering = numbering
        self.classCount = classCount
        classes = numbering.classes(count: classCount)
    }

    /// An image with its classes.
    ///
    /// - Throws: `UserError` where one of the two cannot be read, they differ in size, or a label is no class.
    package func sample(_ index: Int, channels: Int) throws -> LabelledImage {
        let image = try pairs.image(index, channels: channels)
        let labels = try self.labels(index)
        guard (image.height, image.width) == (labels.height, labels.width) else {
            throw UserError(sizeMismatch(index, image: (image.height, image.width), labels: labels) + ".")
        }
        return LabelledImage(image: image, labels: labels)
    }

    /// The classes of an image's pixels.
    package func labels(_ index: Int) throws -> Pixels {
        var map = try pairs.labels(index)
        var unknown: UInt8?
        for place in map.bytes.indices {
            guard let number = classes[Int(map.bytes[place])] else {
                unknown = map.bytes[place]
                break
            }
            map.bytes[place] = number
        }
        if let unknown { throw UserError(unknownLabels(index, [Int(unknown)]) + ".") }
        return map
    }

    /// Labelled images for a loader; one that cannot be read ends the run, for they were all checked before.
    package func source(channels: Int) -> SampleSource<LabelledImage> {
        SampleSource(
            count: count, name: { pairs.images.name(of: $0) }, read: { try sample($0, channels: channels) },
            skip: { throw $1 })
    }

    // MARK: Looking at everything

    /// What a whole folder holds.
    package struct Contents: Sendable {
        /// Pixels of each class.
        package fileprivate(set) var pixels: [Int]
        /// Pixels without a class.
        package fileprivate(set) var unlabelled = 0
    }

    /// Reads every label map and every image's header.
    ///
    /// - Parameters:
    ///   - problems: gets a sentence for each file that cannot be used.
    ///   - progress: is told how many are done.
    package func check(_ problems: inout DataProblems, progress: (Int) -> Void = { _ in }) -> Contents {
        var contents = Contents(pixels: [Int](repeating: 0, count: classCount))
        let block = 16 * ProcessInfo.processInfo.activeProcessorCount
        for start in stride(from: 0, to: count, by: block) {
            let range = start..<min(start + block, count)
            for result in concurrently(range.count, { look(range.lowerBound + $0) }) {
                switch result {
                case .failure(let error): problems.add(error.sentence)
                case .success(let histogram):
                    for (label, pixels) in histogram.enumerated() where pixels > 0 {
                        if let number = classes[label], number != LabelNumbering.none {
                            contents.pixels[Int(number)] += pixels
                        } else {
                            contents.unlabelled += pixels
                        }
                    }
                }
            }
            progress(range.upperBound)
        }
        return contents
    }

    private struct Fault: Error {
        let sentence: String
    }

    /// Pixels of each of the 256 labels.
    private func look(_ index: Int) -> Result<[Int], Fault> {
        let name = PrintableName.of(pairs.images.name(of: index))
        let size: (height: Int, width: Int)
        do {
            size = try ImageFile.size(path: pairs.images.path(of: index))
        } catch {
            return .failure(Fault(sentence: "\(name) \(error.detail)"))
        }
        let map: Pixels
        do {
            map = try ImageFile.readLabels(path: pairs.labelPath(index))
        } catch {
            return .failure(Fault(sentence: "the label map of \(name) \(error.detail)"))
        }
        guard size == (map.height, map.width) else {
            return .failure(Fault(sentence: sizeMismatch(index, image: size, labels: map)))
        }
        var histogram = [Int](repeating: 0, count: 256)
        for label in map.bytes { histogram[Int(label)] += 1 }
        let unknown = (0..<256).filter { histogram[$0] > 0 && classes[$0] == nil }
        return unknown.isEmpty ? .success(histogram) : .failure(Fault(sentence: unknownLabels(index, unknown)))
    }

    private func sizeMismatch(_ index: Int, image: (height: Int, width: Int), labels: Pixels) -> String {
        "\(PrintableName.of(pairs.images.name(of: index))) has \(image.height) x \(image.width) pixels, its label map "
            + "\(labels.height) x \(labels.width)"
    }

    private func unknownLabels(_ index: Int, _ labels: [Int]) -> String {
        let list = labels.prefix(5).map(String.init).joined(separator: ", ") + (labels.count > 5 ? " and more" : "")
        return
            "the label map of \(PrintableName.of(pairs.images.name(of: index))) holds \(list); there are \(classCount) "
            + "classes from \(numbering.firstClass), and \(numbering.ignored) is no class"
    }
}
