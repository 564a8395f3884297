import SelfPatchTensors

/// A patch embedding for patches of another size: the kernel that says of a resized patch what the old kernel says of the patch.
///
/// With M the matrix that resizes one axis of a picture, the new kernel is P w P^T, P the pseudo-inverse of M^T: exact where
/// patches grow, the best in the least squares where they shrink.
///
/// Source: FlexiViT (Beyer et al., CVPR 2023), equation 4.
enum PatchResizing {
    /// - Parameter kernel: `[width, channels, old, old]`.
    /// - Returns: `[width, channels, new, new]`.
    static func resized(_ kernel: Tensor, to side: Int) -> Tensor {
        let matrix = pseudoInverse(from: kernel.size(2), to: side).moved(to: kernel.device)
        return matrix.matmul(kernel).matmul(matrix.transposed())
    }

    /// The pseudo-inverse of M^T, `[new, old]`; M resizes as pictures are, smoothed where they shrink.
    private static func pseudoInverse(from old: Int, to new: Int) -> Tensor {
        let flat = PositionRule.antialiasedSize.resizing(from: old, to: new).doubles()
        let m = (0..<new).map { Array(flat[$0 * old..<($0 + 1) * old]) }
        // M (M^T M)^-1 where M is tall, (M M^T)^-1 M where it is wide: P^T or P solves a system of the smaller side.
        let columns = transposed(m)
        let result = new >= old ? transposed(solved(product(columns, m), columns)) : solved(product(m, columns), m)
        return Tensor(result.flatMap { $0.map(Float.init) }, shape: [new, old])
    }

    private static func transposed(_ a: [[Double]]) -> [[Double]] {
        (a.first ?? []).indices.map { column in a.map { $0[column] } }
    }

    private static func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
        let columns = transposed(b)
        return a.map { row in columns.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } } }
    }

    /// The x of a x = b, by elimination with the largest pivots.
    private static func solved(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
        var rows = zip(a, b).map { $0 + $1 }
        for place in a.indices {
            let pivot = (place..<rows.count).max { abs(rows[$0][place]) < abs(rows[$1][place]) } ?? place
            rows.swapAt(place, pivot)
            let lead = rows[place].map { $0 / rows[place][place] }
            rows[place] = lead
            for other in rows.indices where other != place {
                let factor = rows[other][place]
                rows[other] = zip(rows[other], lead).map { $0 - factor * $1 }
            }
        }
        return rows.map { Array($0[a.count...]) }
    }
}

/// What a backbone knows, for a backbone of another grid or patch.
extension VisionTransformer {
    /// The position table for another grid, by the rule of the weights, `[1, patches, width]`.
    package func resizedPositions(to grid: Grid) -> Tensor {
        positions.resized(to: grid, viewIsSquare: grid.rows == grid.columns)
    }

    /// The patch embedding's kernel for patches of another side, `[width, channels, side, side]`.
    package func resizedPatchKernel(to side: Int) -> Tensor { PatchResizing.resized(patchEmbedding.weight, to: side) }
}
