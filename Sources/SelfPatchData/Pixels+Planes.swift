import CSelfPatchPixels

extension Pixels {
    /// A view as a picture to be looked at.
    ///
    /// - Parameter planes: `[channels, height, width]`.
    public init(planes: [UInt8], size: ViewSize) {
        let channels = planes.count / size.pixels
        precondition(planes.count == channels * size.pixels, "\(planes.count) bytes for a view of \(size)")
        let bytes = [UInt8](unsafeUninitializedCapacity: planes.count) { bytes, count in
            px_from_planes(planes, size.pixels, Int32(channels), bytes.baseAddress)
            count = planes.count
        }
        self.init(height: size.height, width: size.width, channels: channels, bytes: bytes)
    }
}
