import Foundation
import SelfPatchData
import SelfPatchFormats

/// The images of a run, in a fixed order, with a note of what cannot be read.
package struct TrainingImages: Sendable {
    package let source: ImageSource
    /// 8 hexadecimal digits over the images' names in their order.
    package let namesChecksum: String
    /// How an epoch orders them.
    package let mixing: Mixing

    package var count: Int { source.count }

    /// The images of a collection as a run's settings want them. One that is smaller than a patch counts as unreadable: all
    /// that a view of it could show is made up by enlarging.
    package init(_ images: any ImageCollection, _ settings: PretrainSettings, skipped: SkippedFiles) throws {
        let decoded = try ImageSource(
            images, channels: settings.views.channels, pixelLimit: settings.data.pixelLimit, skipped: skipped)
        let patch = settings.model.patchSize
        self.init(
            source: ImageSource(
                count: decoded.count, name: decoded.name,
                read: { index in
                    let pixels = try decoded.read(index)
                    guard min(pixels.height, pixels.width) >= patch else {
                        throw ImageProblem(
                            .tooSmall,
                            "has \(pixels.width) x \(pixels.height) pixels and is smaller than a patch of \(patch) x \(patch)"
                        )
                    }
                    return pixels
                },
                skip: decoded.skip), mixing: images.mixing)
    }

    /// - Parameter mixing: all images with all by default.
    package init(source: ImageSource, mixing: Mixing? = nil) {
        self.source = source
        self.mixing = mixing ?? Mixing(images: source.count)
        namesChecksum = source.namesChecksum
    }
}

extension SampleSource {
    /// 8 hexadecimal digits over all names in their order.
    package var namesChecksum: String {
        var checksum = CRC32()
        for index in 0..<count { Array((name(index) + "\n").utf8).withUnsafeBytes { checksum.update($0) } }
        let digits = String(checksum.value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
