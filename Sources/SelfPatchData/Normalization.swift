import CSelfPatchPixels

extension MultiCropSettings {
    /// Planes of bytes as the model sees them: (level / 255 - mean) / deviation, in float32.
    ///
    /// Training normalizes on its device; this is for single images on the CPU.
    ///
    /// - Parameter planes: `[channels, height, width]`.
    package func normalized(_ planes: [UInt8]) -> [Float] {
        precondition(
            planes.count.isMultiple(of: channels), "\(planes.count) bytes are not planes of \(channels) channels")
        let (mean, deviation) = (mean.map { Float($0) }, deviation.map { Float($0) })
        return [Float](unsafeUninitializedCapacity: planes.count) { levels, count in
            px_normalize(planes, planes.count / channels, Int32(channels), mean, deviation, levels.baseAddress)
            count = planes.count
        }
    }
}
