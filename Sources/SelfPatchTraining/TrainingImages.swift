import Foundation
import SelfPatchData
import SelfPatchFormats

/// The images of a run, in a fixed order, with a note of what cannot be read.
public struct TrainingImages: Sendable {
    public let source: ImageSource
    /// 8 hexadecimal digits over the images' names in their order.
    public let namesChecksum: String

    public var count: Int { source.count }

    public init(source: ImageSource) {
        self.source = source
        var checksum = CRC32()
        for index in 0..<source.count {
            Array((source.name(index) + "\n").utf8).withUnsafeBytes { checksum.update($0) }
        }
        let digits = String(checksum.value, radix: 16)
        namesChecksum = String(repeating: "0", count: 8 - digits.count) + digits
    }
}
