import CSelfPatchPixels

/// The width of the vectors that the pixel kernels use; the processor's own unless a measurement asks for less.
package enum VectorBits {
    package static var current: Int { Int(px_vector_bits()) }

    /// For the whole process: 128, 256 or 512.
    package static func limit(to bits: Int) {
        px_limit_vector_bits(Int32(bits))
    }
}
