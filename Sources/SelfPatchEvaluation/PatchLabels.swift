import SelfPatchTensors

/// What the pixels of each patch are, as shares: a patch on a border is partly this, partly that.
package struct PatchLabels: Sendable {
    package let classCount: Int
    /// `[patches, classes]` row by row; a row adds up to 1, or is all 0 where no pixel of the patch has a label.
    package let shares: [Float]

    package var count: Int { shares.count / classCount }

    package init(classCount: Int, shares: [Float]) {
        precondition(
            classCount > 0 && shares.count % classCount == 0, "\(shares.count) shares of \(classCount) classes")
        self.classCount = classCount
        self.shares = shares
    }

    /// Counts the labels below each patch of one image.
    ///
    /// - Parameters:
    ///   - mask: `height * width` labels, rows from the top; those of `classCount` and above (255, say) are left out.
    ///   - patchSize: side of a patch in pixels; pixels beyond the last whole patch are not looked at.
    package init(mask: [UInt8], height: Int, width: Int, patchSize: Int, classCount: Int) {
        precondition(mask.count == height * width, "\(mask.count) labels for \(height) x \(width)")
        let grid = Grid(height: height, width: width, patchSize: patchSize)
        var shares = [Float](repeating: 0, count: grid.count * classCount)
        for row in 0..<grid.rows * patchSize {
            for column in 0..<grid.columns * patchSize {
                let label = Int(mask[row * width + column])
                guard label < classCount else { continue }
                shares[(row / patchSize * grid.columns + column / patchSize) * classCount + label] += 1
            }
        }
        for start in stride(from: 0, to: shares.count, by: classCount) {
            let sum = shares[start..<start + classCount].reduce(0, +)
            if sum > 0 { for place in start..<start + classCount { shares[place] /= sum } }
        }
        self.init(classCount: classCount, shares: shares)
    }

    /// The class with the largest share, of equal ones the lower number; nil where no pixel has a label.
    package func majority(of patch: Int) -> Int? {
        let row = shares[patch * classCount..<(patch + 1) * classCount]
        guard let best = row.max(), best > 0 else { return nil }
        return row.firstIndex(of: best)! - row.startIndex
    }
}
