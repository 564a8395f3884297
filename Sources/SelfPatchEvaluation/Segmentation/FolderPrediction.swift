import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// Label maps of a folder of images that nobody has labelled.
///
///     OUTPUT/labels/a.png        a label a pixel, of the image's size, in the classes' colours
///     OUTPUT/overlays/a.png      the image with its classes in colour, where that is asked for
///     OUTPUT/classes.txt         number, name and colour of each class
///     OUTPUT/prediction.json     what the maps were made with
///     OUTPUT/skipped.txt         name, tab, reason for each image that could not be read
///
/// Labels are numbered as those that the head was trained on, so that the maps can be used like them. A call that was stopped or
/// killed is gone on with by the same call: images whose map is there are left alone.
package struct FolderPrediction {
    package let trained: TrainedSegmenter
    package var paintsOverlays = false

    package init(_ trained: TrainedSegmenter) { self.trained = trained }

    /// How a call ended.
    package struct Outcome: Sendable, Equatable {
        /// Label maps that this call made.
        package fileprivate(set) var made = 0
        /// Those that an earlier call had made.
        package fileprivate(set) var kept = 0
        /// Images that could not be read.
        package fileprivate(set) var skipped: [OutputFolder.Skipped] = []
        package fileprivate(set) var isFinished = true
    }

    /// What the maps of a folder are made with; calls that differ in it must not share one.
    private struct Description: Codable, Equatable {
        var segmenter: String
        /// CRC-32 of all numbers of backbone and head, 8 hexadecimal digits.
        var checksum: String
        var images: String
        var views: SegmentationViewSettings
        var inference: SegmentationInference.Settings
        var precision: String
        var firstClass: Int
        var overlays: Bool
    }

    /// - Parameters:
    ///   - progress: is told how many images are done, after each.
    ///   - isStopped: is asked after each image.
    /// - Throws: `UserError` where two images would share a map, no image could be read, the output holds something else, or
    ///   files cannot be written.
    package func write(
        _ folder: ImageFolder, to output: String, progress: ((Int) -> Void)? = nil, isStopped: () -> Bool = { false }
    ) throws -> Outcome {
        let stems = try OutputFolder.stems(
            of: (0..<folder.count).map(folder.name), title: "The images cannot be labelled into one folder")
        let channels = trained.segmenter.network.architecture.channels
        guard !paintsOverlays || [1, 3].contains(channels) else {
            throw UserError(
                "The network reads images of \(channels) channels, which cannot be painted: leave --overlays out.",
                kind: .usage)
        }
        let (first, count) = (trained.settings.data.firstClass, trained.classes.count)
        guard first + count <= 256 else {
            throw UserError(
                "\(count) classes from label \(first) do not fit into maps of 8 bits: lower data.firstClass.",
                kind: .usage)
        }
        try OutputFolder.requireOutside(output, images: folder.root)
        try prepare(output, images: Self.absolute(folder.root))
        let (inference, palette) = (trained.inference, self.palette)
        var outcome = Outcome()
        for index in 0..<folder.count {
            let name = folder.name(of: index)
            let (map, overlay) = ("\(output)/labels/\(stems[index]).png", "\(output)/overlays/\(stems[index]).png")
            if FileManager.default.fileExists(atPath: map) {
                outcome.kept += 1
            } else {
                switch Self.image(folder.path(of: index), channels: channels) {
                case .failure(let problem):
                    outcome.skipped.append(OutputFolder.Skipped(name: name, reason: problem.detail))
                case .success(let image):
                    let labels = labels(of: image, inference)
                    // The map comes last: where it is, the image is done.
                    if paintsOverlays {
                        let painted = MaskOverlay.painted(
                            frame: image, mask: labels, palette: palette, background: nil)
                        try write(painted, to: overlay)
                    }
                    try write(labels, palette: palette, to: map)
                    outcome.made += 1
                }
            }
            progress?(index + 1)
            if index + 1 < folder.count, isStopped() {
                outcome.isFinished = false
                break
            }
        }
        let lines = outcome.skipped.map { "\(PrintableName.of($0.name))\t\(PrintableName.of($0.reason))\n" }
        try AtomicFile.write(Data(lines.joined().utf8), to: "\(output)/skipped.txt")
        guard outcome.made + outcome.kept > 0 || !outcome.isFinished else {
            throw UserError("None of \(folder.count) images could be read: see \(output)/skipped.txt.")
        }
        return outcome
    }

    private static func absolute(_ path: String) -> String { URL(filePath: path).standardizedFileURL.path }

    private static func image(_ path: String, channels: Int) -> Result<Pixels, ImageProblem> {
        do {
            return .success(try ImageFile.read(path: path, channels: channels).pixels)
        } catch {
            return .failure(error)
        }
    }

    private func labels(of image: Pixels, _ inference: SegmentationInference) -> Pixels {
        let first = UInt8(trained.settings.data.firstClass)
        return Pixels(
            height: image.height, width: image.width, channels: 1,
            bytes: inference.classes(of: image).map { $0 + first })
    }

    /// Black is no class.
    private var palette: LabelPalette {
        let (classes, first) = (trained.classes, trained.settings.data.firstClass)
        return LabelPalette { label in
            classes.names.indices.contains(label - first) ? classes.colors[label - first] : [0, 0, 0]
        }
    }

    /// Makes the output, or finds that an earlier call with the same things had made it.
    private func prepare(_ output: String, images: String) throws {
        var checksum = CRC32()
        for named in trained.segmenter.state { named.tensor.moved(to: .cpu).withBytes { checksum.update($0) } }
        let description = Description(
            segmenter: Self.absolute(trained.path), checksum: String(format: "%08x", checksum.value), images: images,
            views: trained.settings.views, inference: trained.settings.inference,
            precision: trained.inference.precision.rawValue, firstClass: trained.settings.data.firstClass,
            overlays: paintsOverlays)
        let path = "\(output)/prediction.json"
        if let data = FileManager.default.contents(atPath: path) {
            guard let before = try? JSONDecoder().decode(Description.self, from: data) else {
                throw UserError("Cannot go on in \(output): its prediction.json is damaged. Name a new folder.")
            }
            guard before == description else {
                throw UserError(
                    "\(output) holds label maps that were made with other images, settings or weights: see its "
                        + "prediction.json. Name a new folder.", kind: .usage)
            }
        } else {
            guard OutputFolder.contents(of: output).isEmpty else {
                throw UserError(
                    "\(PrintableName.of(output)) is not empty, and its files are not of an earlier call. Name a new folder.",
                    kind: .usage)
            }
            try OutputFolder.make(output)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try AtomicFile.write(encoder.encode(description) + Data("\n".utf8), to: path)
        }
        let lines = trained.classes.names.enumerated().map { number, name in
            "\(number) \(name) \(trained.classes.colors[number].map(String.init).joined(separator: " "))\n"
        }
        try AtomicFile.write(Data(lines.joined().utf8), to: "\(output)/classes.txt")
    }

    private func write(_ pixels: Pixels, palette: LabelPalette? = nil, to path: String) throws {
        try OutputFolder.make(FilePath.folder(of: path))
        if let palette {
            try PNGFile.write(labels: pixels, palette: palette, to: path)
        } else {
            try PNGFile.write(pixels, to: path)
        }
    }
}
