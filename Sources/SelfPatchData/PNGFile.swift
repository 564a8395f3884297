import CSelfPatchPixels
import Foundation
import SelfPatchFormats

/// Pictures to PNG files.
public enum PNGFile {
    /// - Parameter pixels: 1 channel (grey, or labels) or 3.
    public static func encoded(_ pixels: Pixels) throws -> Data {
        precondition(pixels.channels == 1 || pixels.channels == 3, "a PNG file of \(pixels.channels) channels")
        var file = px_bytes()
        var reason = px_reason()
        let status = pixels.bytes.withUnsafeBufferPointer {
            px_write_png(
                $0.baseAddress, Int64(pixels.width), Int64(pixels.height), Int32(pixels.channels), &file, &reason)
        }
        guard status == PX_OK, let bytes = file.bytes else {
            let text = withUnsafeBytes(of: reason.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw UserError("A picture of \(pixels.height) x \(pixels.width) pixels \(text).")
        }
        defer { px_free(file) }
        return Data(bytes: bytes, count: file.count)
    }

    /// Writes a file whole or not at all.
    public static func write(_ pixels: Pixels, to path: String) throws {
        try AtomicFile.write(encoded(pixels), to: path)
    }
}
