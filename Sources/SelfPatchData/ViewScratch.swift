/// Memory for intermediate pictures that one worker reuses from view to view and from image to image.
public final class ViewScratch {
    /// What is kept between images; a giant image's memory goes back afterwards.
    private static let kept = 64 << 20
    /// One cache line, and the widest vector.
    private static let alignment = 64

    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    public init() {}

    deinit {
        memory.deallocate()
    }

    /// At least so many bytes of unspecified content, at a multiple of 64. The next call may take them away.
    func room(for bytes: Int) -> UnsafeMutableRawPointer {
        if memory.count < bytes {
            memory.deallocate()
            memory = .allocate(byteCount: bytes + bytes / 4, alignment: Self.alignment)
        }
        guard let start = memory.baseAddress else { preconditionFailure("no memory for \(bytes) bytes") }
        return start
    }

    /// To be called between images: gives back what only a giant one needed.
    func trim() {
        guard memory.count > Self.kept else { return }
        memory.deallocate()
        memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
}
