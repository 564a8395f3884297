import SelfPatchTensors

/// Smooth random values in 0 ... 1: random numbers on a lattice, blended between its points.
struct ValueNoise {
    private let lattice: [Float]
    private let columns: Int
    private let scale: Float

    /// - Parameters:
    ///   - side: the side of the square that is covered, in pixels.
    ///   - cell: the distance of the lattice's points, in pixels.
    init(side: Int, cell: Double, generator: inout KeyedGenerator) {
        scale = Float(1 / cell)
        columns = Int(Double(side) / cell) + 2
        lattice = (0..<columns * columns).map { _ in Float(generator.uniform()) }
    }

    /// The value at a point inside the square.
    func callAsFunction(_ x: Int, _ y: Int) -> Float {
        let (column, across) = place(x)
        let (row, down) = place(y)
        return lattice.withUnsafeBufferPointer { values in
            let first = row * columns + column
            let upper = values[first] + (values[first + 1] - values[first]) * across
            let next = first + columns
            let lower = values[next] + (values[next + 1] - values[next]) * across
            return upper + (lower - upper) * down
        }
    }

    private func place(_ pixel: Int) -> (Int, Float) {
        let position = Float(pixel) * scale
        let cell = Int(position)
        let t = position - Float(cell)
        return (cell, t * t * (3 - 2 * t))
    }
}
