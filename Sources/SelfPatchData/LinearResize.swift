import CSelfPatchPixels

extension Pixels {
    /// Resizes the whole picture to the byte as OpenCV does by default: bilinear, no antialiasing, weights of 11 bits.
    ///
    /// - Returns: planes `[channels, height, width]`.
    package func resizedLinear(to size: ViewSize) -> [UInt8] {
        precondition(height > 0 && width > 0 && size.pixels > 0, "\(height) x \(width) to \(size)")
        var scratch = [Int32](repeating: 0, count: px_resize_linear_scratch(Int32(channels), Int32(size.width)))
        return [UInt8](unsafeUninitializedCapacity: channels * size.pixels) { planes, count in
            bytes.withUnsafeBufferPointer { source in
                px_resize_linear(
                    source.baseAddress, Int32(height), Int32(width), Int32(channels), planes.baseAddress,
                    Int32(size.height), Int32(size.width), &scratch)
            }
            count = channels * size.pixels
        }
    }

    /// Resizes a map of labels as Pillow does with its nearest neighbour: the input place of each output place is the one before
    /// plus a step, in double precision, so that places which lie exactly between two pixels fall as they do there.
    package func resizedLabels(to size: ViewSize) -> Pixels {
        precondition(channels == 1, "labels with \(channels) channels")
        func places(_ input: Int, _ output: Int) -> [Int] {
            let step = Double(input) / Double(output)
            var position = step * 0.5
            return (0..<output).map { _ in
                defer { position += step }
                return min(Int(position), input - 1)
            }
        }
        let (rows, columns) = (places(height, size.height), places(width, size.width))
        var result: [UInt8] = []
        result.reserveCapacity(size.pixels)
        for row in rows { for column in columns { result.append(bytes[row * width + column]) } }
        return Pixels(height: size.height, width: size.width, channels: 1, bytes: result)
    }
}
