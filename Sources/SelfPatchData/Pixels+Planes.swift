import CSelfPatchPixels

extension Pixels {
    /// A view as a picture to be looked at.
    ///
    /// - Parameter planes: `[channels, height, width]`.
    package init(planes: [UInt8], size: ViewSize) {
        let channels = planes.count / size.pixels
        precondition(planes.count == channels * size.pixels, "\(planes.count) bytes for a view of \(size)")
        let bytes = [UInt8](unsafeUninitializedCapacity: planes.count) { bytes, count in
            px_from_planes(planes, size.pixels, Int32(channels), bytes.baseAddress)
            count = planes.count
        }
        self.init(height: size.height, width: size.width, channels: channels, bytes: bytes)
    }

    /// The picture as planes `[channels, height, width]`.
    package var planes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { planes, count in
            px_to_planes(bytes, height * width, Int32(channels), planes.baseAddress)
            count = bytes.count
        }
    }
}
