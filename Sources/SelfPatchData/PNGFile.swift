import CSelfPatchPixels
import Foundation
import SelfPatchFormats

/// Pictures to PNG files.
public enum PNGFile {
    /// - Parameter pixels: 1 channel (grey, or labels) or 3.
    public static func encoded(_ pixels: Pixels) throws -> Data {
        precondition(pixels.channels == 1 || pixels.channels == 3, "a PNG file of \(pixels.channels) channels")
        return try encoded(pixels) { bytes, file, reason in
            px_write_png(
                bytes, Int64(pixels.width), Int64(pixels.height), Int32(pixels.channels), file, reason)
        }
    }

    /// A map of labels whose numbers choose among colours.
    ///
    /// - Parameter labels: one channel.
    package static func encoded(labels: Pixels, palette: LabelPalette) throws -> Data {
        precondition(labels.channels == 1, "labels with \(labels.channels) channels")
        return try encoded(labels) { bytes, file, reason in
            px_write_indexed_png(
                bytes, Int64(labels.width), Int64(labels.height), palette.bytes, file, reason)
        }
    }

    private static func encoded(
        _ pixels: Pixels,
        _ write: (UnsafePointer<UInt8>?, UnsafeMutablePointer<px_bytes>, UnsafeMutablePointer<px_reason>) -> px_status
    ) throws -> Data {
        var file = px_bytes()
        var reason = px_reason()
        let status = pixels.bytes.withUnsafeBufferPointer { write($0.baseAddress, &file, &reason) }
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

    /// Writes a map of labels with its colours, whole or not at all.
    package static func write(labels: Pixels, palette: LabelPalette, to path: String) throws {
        try AtomicFile.write(encoded(labels: labels, palette: palette), to: path)
    }
}
