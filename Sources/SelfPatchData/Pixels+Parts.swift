extension Pixels {
    /// Columns in reverse.
    func flipped() -> Pixels {
        var result = self
        result.bytes.withUnsafeMutableBufferPointer { bytes in
            for row in 0..<height {
                for column in 0..<width / 2 {
                    let (left, right) = (
                        (row * width + column) * channels, (row * width + width - 1 - column) * channels
                    )
                    for channel in 0..<channels { bytes.swapAt(left + channel, right + channel) }
                }
            }
        }
        return result
    }

    /// Some rows and columns of it.
    func part(rows: Range<Int>, columns: Range<Int>) -> Pixels {
        precondition(
            0...height ~= rows.upperBound && 0...width ~= columns.upperBound,
            "rows \(rows) and columns \(columns) of \(height) x \(width)")
        var part: [UInt8] = []
        part.reserveCapacity(rows.count * columns.count * channels)
        for row in rows {
            part += bytes[(row * width + columns.lowerBound) * channels..<(row * width + columns.upperBound) * channels]
        }
        return Pixels(height: rows.count, width: columns.count, channels: channels, bytes: part)
    }
}
