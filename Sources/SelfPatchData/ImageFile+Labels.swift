import CSelfPatchPixels
import SelfPatchFormats

extension ImageFile {
    /// Reads a map of labels: one number a pixel, as the file stores it.
    ///
    /// Of PNG files with a palette these are the places in the palette, whose colours are not looked at, and of grey ones with
    /// 1, 2, 4 or 8 bits the levels as they are, not scaled. Other formats are read where they have one channel.
    ///
    /// - Returns: one channel, upright.
    /// - Throws: `UserError` with the file's name and the reason.
    package static func labels(path: String, pixelLimit: Int = defaultPixelLimit) throws -> Pixels {
        do throws(ImageProblem) {
            return try readLabels(path: path, pixelLimit: pixelLimit)
        } catch {
            throw UserError("The label map \(PrintableName.of(path)) cannot be used: it \(error.detail).")
        }
    }

    /// The same, for callers that collect problems instead of stopping.
    package static func readLabels(
        path: String, pixelLimit: Int = defaultPixelLimit
    ) throws(ImageProblem) -> Pixels {
        let content = try FileContent(path: path) { head in byteLimit(head, pixelLimit: pixelLimit) }
        let header = try probe(content.bytes, pixelLimit: pixelLimit)
        if header.indexed {
            let map = try unpack(content.bytes, header, channels: 1) { bytes, count, header, pixels, reason in
                px_decode_indices(bytes, count, header, pixels, reason)
            }
            return turned(map, orientation: Int(header.orientation))
        }
        guard header.samples == 1, header.format != PX_PNG else {
            let stored = header.samples == 1 ? "16 bits a pixel" : "\(header.samples) channels"
            throw ImageProblem(
                .wrongChannels,
                "has \(stored); label maps hold one number of at most 8 bits a pixel, grey or of a PNG's palette"
            )
        }
        return try read(content.bytes, channels: 1, pixelLimit: pixelLimit).pixels
    }
}
