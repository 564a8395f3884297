/// A decoded picture: 8 bits a channel, rows from the top, channels interleaved (`[height, width, channels]`).
public struct Pixels: Equatable, Sendable {
    public let height: Int
    public let width: Int
    public let channels: Int
    /// `height * width * channels` bytes.
    public var bytes: [UInt8]

    public init(height: Int, width: Int, channels: Int, bytes: [UInt8]) {
        precondition(
            bytes.count == height * width * channels,
            "\(bytes.count) bytes for a picture of \(height) x \(width) with \(channels) channels")
        self.height = height
        self.width = width
        self.channels = channels
        self.bytes = bytes
    }
}
