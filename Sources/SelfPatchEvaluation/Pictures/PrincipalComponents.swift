import SelfPatchData
import SelfPatchTensors

/// The directions in which patch features differ most, shown as red, green and blue.
///
/// Features are normalised to length 1 first, so that a few patches of great length do not take the first directions. A
/// direction's sign is free; it is chosen so that the scores are skewed to the right: the larger part of the patches, as a
/// rule the ground, comes out dark in each colour and what is rare comes out bright. Each colour runs from the 2nd to
/// the 98th percentile over all patches given, so that single patches do not take the contrast from the rest.
package struct PrincipalComponents {
    /// `[width, components]`, orthonormal columns, largest variance first.
    package let directions: Tensor
    /// Share of the whole variance that each direction holds.
    package let varianceShares: [Double]
    private let mean: Tensor

    /// - Parameter features: `[patches, width]`, at least two patches, finite.
    package init(of features: Tensor, components: Int = 3) {
        precondition(features.rank == 2 && features.shape[0] > 1, "principal components of \(features.shape)")
        precondition((1...features.shape[1]).contains(components), "\(components) components of \(features.shape)")
        let unit = features.cast(to: .float64).moved(to: .cpu).normalized()
        mean = unit.mean(over: 0, keeping: true)
        let centered = unit - mean
        let covariance = centered.transposed(0, 1).matmul(centered) / Double(features.shape[0])
        let (values, vectors) = covariance.symmetricEigen()
        let width = features.shape[1]
        // Eigenvalues come in ascending order.
        let largest = vectors.narrowed(to: width - components..<width, dimension: 1).flipped([1])
        let skew = centered.matmul(largest).power(3).sum(over: 0).doubles()
        let signs = skew.map { $0 < 0 ? -1.0 : 1.0 }
        directions = largest * Tensor(signs, shape: [1, components])
        let total = max(values.doubles().reduce(0, +), .leastNormalMagnitude)
        varianceShares = values.doubles().reversed().prefix(components).map { max($0, 0) / total }
    }

    /// Where each patch lies along the directions: `[patches, width]` to `[patches, components]`.
    package func scores(of features: Tensor) -> Tensor {
        (features.cast(to: .float64).moved(to: .cpu).normalized() - mean).matmul(directions)
    }

    /// A picture of each image, one pixel a patch, with scales shared by all of them.
    ///
    /// - Parameter features: `[images, patches, width]`; the grid's patches row by row.
    package static func pictures(of features: Tensor, grid: Grid) -> [Pixels] {
        let (images, patches, width) = (features.shape[0], features.shape[1], features.shape[2])
        precondition(patches == grid.count, "\(patches) patches on a grid of \(grid)")
        let flat = features.reshaped(to: [images * patches, width])
        let scores = PrincipalComponents(of: flat).scores(of: flat).transposed(0, 1).floats()
        let count = images * patches
        let channels = (0..<3).map { scaled(Array(scores[$0 * count..<($0 + 1) * count])) }
        return (0..<images).map { image in
            let bytes = (image * patches..<(image + 1) * patches).flatMap { patch in channels.map { $0[patch] } }
            return Pixels(height: grid.rows, width: grid.columns, channels: 3, bytes: bytes)
        }
    }

    /// To 0 ... 255 between the 2nd and the 98th percentile.
    private static func scaled(_ scores: [Float]) -> [UInt8] {
        let sorted = scores.sorted()
        let low = sorted[Int(Double(sorted.count - 1) * 0.02)]
        let high = sorted[Int((Double(sorted.count - 1) * 0.98).rounded(.up))]
        let span = max(high - low, .leastNormalMagnitude)
        return scores.map { UInt8(min(max(($0 - low) / span, 0), 1) * 255 + 0.5) }
    }
}
