import CSelfPatchPixels
import Foundation
import SelfPatchFormats

/// What an image file's header says.
public struct ImageInfo: Equatable, Sendable {
    /// The file's format, told by its content and never by its name.
    public enum Format: String, Sendable, Codable, CaseIterable, Comparable {
        case jpeg = "JPEG"
        case png = "PNG"
        case webP = "WebP"
        case bmp = "BMP"
        case tiff = "TIFF"
        case gif = "GIF"

        public static func < (left: Format, right: Format) -> Bool { left.rawValue < right.rawValue }
    }

    public let format: Format
    /// Rows of the upright picture, after its EXIF orientation.
    public let height: Int
    /// Columns of the upright picture.
    public let width: Int
    /// Channels in the file, alpha included; a palette counts as the 3 or 4 that it stands for.
    public let storedChannels: Int
    /// EXIF's orientation: 1 upright to 8.
    public let orientation: Int
}

/// Image files to pixels: JPEG, PNG, WebP, BMP, TIFF, and the first frame of GIF and of animations.
///
/// Pictures come out upright by their EXIF orientation. Alpha is dropped: the colour stored beneath it counts, as for
/// everybody who trained with Pillow's `convert("RGB")`. 16 bits are scaled to 8, CMYK becomes RGB without profiles.
/// A file that ends early is refused, as is one whose header claims more pixels than `pixelLimit`, before any room for
/// them is taken. Nothing here keeps state: call it from as many threads as you like.
public enum ImageFile {
    /// Where Pillow refuses by default, too: 178,956,970 pixels, half a gigabyte as RGB.
    public static let defaultPixelLimit = 178_956_970

    /// Reads an image file.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - channels: those of the model. 3: red, green, blue, of greyscale three equal ones. 1: luma by ITU-R 601, as
    ///     Pillow computes it. Any other number: the channels as stored, of which the file must have so many.
    ///   - pixelLimit: refuse more pixels than these.
    /// - Throws: `UserError` with the file's name and the reason.
    public static func decode(path: String, channels: Int, pixelLimit: Int = defaultPixelLimit) throws -> Pixels {
        do {
            return try read(path: path, channels: channels, pixelLimit: pixelLimit).pixels
        } catch {
            throw error.userError(file: path)
        }
    }

    /// Decodes an image file that is in memory; `name` is what errors call it.
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, name: String, channels: Int, pixelLimit: Int = defaultPixelLimit
    ) throws -> Pixels {
        do {
            return try read(bytes, channels: channels, pixelLimit: pixelLimit).pixels
        } catch {
            throw error.userError(file: name)
        }
    }

    /// Reads an image file and says what it was; for callers that collect problems instead of stopping.
    public static func read(
        path: String, channels: Int, pixelLimit: Int = defaultPixelLimit
    ) throws(ImageProblem) -> (pixels: Pixels, info: ImageInfo) {
        let content = try FileContent(path: path) { head in byteLimit(head, pixelLimit: pixelLimit) }
        return try read(content.bytes, channels: channels, pixelLimit: pixelLimit)
    }

    /// Rows and columns of the upright picture, by the file's header alone.
    public static func size(path: String) throws(ImageProblem) -> (height: Int, width: Int) {
        let content = try FileContent(path: path) { head in byteLimit(head, pixelLimit: defaultPixelLimit) }
        let info = ImageInfo(try probe(content.bytes, pixelLimit: defaultPixelLimit))
        return (info.height, info.width)
    }

    /// The same for a file that is in memory.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, channels: Int, pixelLimit: Int = defaultPixelLimit
    ) throws(ImageProblem) -> (pixels: Pixels, info: ImageInfo) {
        precondition(channels > 0 && pixelLimit > 0, "\(channels) channels, a limit of \(pixelLimit) pixels")
        let header = try probe(bytes, pixelLimit: pixelLimit)
        let info = ImageInfo(header)
        let stored = try storedChannels(of: header, for: channels)
        var pixels = try unpack(bytes, header, channels: stored)
        pixels = turned(pixels, orientation: info.orientation)
        if stored == 1 && channels == 3 { pixels = repeated(pixels) }
        if stored == 3 && channels == 1 { pixels = luma(of: pixels) }
        return (pixels, info)
    }

    // MARK: - Steps

    static func probe(_ bytes: UnsafeRawBufferPointer, pixelLimit: Int) throws(ImageProblem) -> px_info {
        var header = px_info()
        var reason = px_reason()
        let status = px_probe(
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, Int64(pixelLimit), &header, &reason)
        if let problem = ImageProblem(status, reason) { throw problem }
        return header
    }

    /// How many channels the decoder is asked for.
    private static func storedChannels(of header: px_info, for channels: Int) throws(ImageProblem) -> Int {
        let stored = Int(header.samples)
        let visible = stored - Int(header.alpha)
        if (channels == 1 || channels == 3) && header.color > 0 { return Int(header.color) }
        if channels == stored || channels == visible { return channels }
        let kinds = channels == 1 || channels == 3 ? " without a colour meaning" : ""
        throw ImageProblem(
            .wrongChannels, "has \(visible) channel\(visible == 1 ? "" : "s")\(kinds), the model takes \(channels)")
    }

    private static func unpack(
        _ bytes: UnsafeRawBufferPointer, _ header: px_info, channels: Int
    ) throws(ImageProblem) -> Pixels {
        try unpack(bytes, header, channels: channels) { px_decode($0, $1, $2, Int32(channels), $3, $4) }
    }

    /// Makes room for the picture and lets a decoder fill it.
    static func unpack(
        _ bytes: UnsafeRawBufferPointer, _ header: px_info, channels: Int,
        _ decode: (
            UnsafePointer<UInt8>?, Int, UnsafePointer<px_info>, UnsafeMutablePointer<UInt8>?,
            UnsafeMutablePointer<px_reason>
        ) -> px_status
    ) throws(ImageProblem) -> Pixels {
        var header = header
        var reason = px_reason()
        var status = PX_OK
        let count = Int(header.width) * Int(header.height) * channels
        // Only with a raised limit; an array that does not fit would end the program.
        guard UInt64(count) <= ProcessInfo.processInfo.physicalMemory / 2 else {
            throw ImageProblem(
                .tooLarge, "needs \(count) bytes, more than half of this machine's memory; lower the limit on pixels")
        }
        let unpacked = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            status = decode(
                bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &header, buffer.baseAddress,
                &reason)
            initialized = status == PX_OK ? count : 0
        }
        if let problem = ImageProblem(status, reason) { throw problem }
        return Pixels(height: Int(header.height), width: Int(header.width), channels: channels, bytes: unpacked)
    }

    static func turned(_ picture: Pixels, orientation: Int) -> Pixels {
        guard orientation > 1 else { return picture }
        let exchanges = orientation >= 5
        return filled(
            height: exchanges ? picture.width : picture.height, width: exchanges ? picture.height : picture.width,
            channels: picture.channels, from: picture
        ) { source, target in
            px_turn(
                source, Int64(picture.width), Int64(picture.height), Int32(picture.channels), Int32(orientation),
                target)
        }
    }

    private static func repeated(_ grey: Pixels) -> Pixels {
        filled(height: grey.height, width: grey.width, channels: 3, from: grey) { source, target in
            px_grey_to_rgb(source, Int64(grey.bytes.count), target)
        }
    }

    private static func luma(of color: Pixels) -> Pixels {
        filled(height: color.height, width: color.width, channels: 1, from: color) { source, target in
            px_rgb_to_grey(source, Int64(color.bytes.count / 3), target)
        }
    }

    private static func filled(
        height: Int, width: Int, channels: Int, from source: Pixels,
        _ fill: (UnsafePointer<UInt8>?, UnsafeMutablePointer<UInt8>?) -> Void
    ) -> Pixels {
        let count = height * width * channels
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            source.bytes.withUnsafeBufferPointer { fill($0.baseAddress, buffer.baseAddress) }
            initialized = count
        }
        return Pixels(height: height, width: width, channels: channels, bytes: bytes)
    }

    /// The most bytes that a file with such a beginning can need.
    ///
    /// Eight for each channel of each pixel, of the picture itself where the beginning tells its size. TIFF's first page
    /// may lie anywhere among larger ones, so there (and where nothing is known) the limit on pixels decides.
    static func byteLimit(_ head: UnsafeRawBufferPointer, pixelLimit: Int) -> Int {
        let any = FileContent.plainByteCount + 8 * min(pixelLimit, Int.max / 16)
        guard let header = try? probe(head, pixelLimit: pixelLimit), header.format != PX_TIFF else { return any }
        return FileContent.plainByteCount + 8 * Int(header.width) * Int(header.height) * Int(header.samples)
    }
}

extension ImageInfo {
    fileprivate init(_ header: px_info) {
        let formats: [Format] = [.jpeg, .png, .webP, .bmp, .tiff, .gif]
        format = formats[Int(header.format.rawValue) - 1]
        let exchanges = header.orientation >= 5
        height = Int(exchanges ? header.width : header.height)
        width = Int(exchanges ? header.height : header.width)
        storedChannels = Int(header.samples)
        orientation = Int(header.orientation)
    }
}

extension ImageProblem {
    /// What a decoder said; nil if it was content.
    fileprivate init?(_ status: px_status, _ reason: px_reason) {
        let kind: Reason
        switch status {
        case PX_OK: return nil
        case PX_EMPTY: kind = .empty
        case PX_TRUNCATED: kind = .truncated
        case PX_CORRUPT: kind = .corrupt
        case PX_UNSUPPORTED: kind = .unsupported
        case PX_TOO_LARGE: kind = .tooLarge
        case PX_NOT_AN_IMAGE: kind = .notAnImage
        default: kind = .unreadable
        }
        let text = withUnsafeBytes(of: reason.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        self.init(kind, text)
    }
}
