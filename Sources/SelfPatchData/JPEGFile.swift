import CSelfPatchPixels
import Foundation
import SelfPatchFormats

/// Pictures to JPEG files.
package enum JPEGFile {
    /// The bytes of a JPEG of 1 (grey) or 3 channels (red, green, blue), with chroma at half size.
    ///
    /// - Parameter quality: from 1 to 100.
    /// - Throws: `UserError` where a side has more than 65,500 pixels.
    package static func encode(_ pixels: Pixels, quality: Int = 90) throws -> Data {
        precondition(
            pixels.channels == 1 || pixels.channels == 3, "a JPEG of \(pixels.channels) channels; 1 and 3 are written")
        var file = px_bytes()
        var reason = px_reason()
        let status = pixels.bytes.withUnsafeBufferPointer { bytes in
            px_write_jpeg(
                bytes.baseAddress, Int64(pixels.width), Int64(pixels.height), Int32(pixels.channels), Int32(quality),
                &file, &reason)
        }
        guard status == PX_OK, let start = file.bytes else {
            let text = withUnsafeBytes(of: reason.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw UserError("A picture of \(pixels.height) x \(pixels.width) pixels \(text).")
        }
        defer { px_free(file) }
        return Data(bytes: start, count: file.count)
    }
}
