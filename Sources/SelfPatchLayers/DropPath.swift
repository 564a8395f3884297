import SelfPatchTensors

/// Leaves out whole residual branches of some rows (one view of one image each) while training.
///
/// A decision is a function of (seed, step, sample, view, block, branch), never of a sequence: gradient accumulation,
/// checkpointed activations and any grouping of views drop the same.
package struct DropPath: Sendable {
    /// Which residual branch of a block.
    package enum Branch: UInt64, Sendable { case attention, mlp }

    /// One row of a batch: which view of which image of the whole step's batch.
    package struct Row: Sendable {
        package let sample: Int
        package let view: Int

        package init(sample: Int, view: Int) {
            self.sample = sample
            self.view = view
        }
    }

    private let seed: UInt64
    private let step: Int
    private let rows: [Row]
    private let rate: Double
    private let depth: Int

    /// - Parameters:
    ///   - rate: of the last of `depth` blocks; it grows linearly from 0 at the first.
    ///   - rows: in the order of the batch.
    package init(rate: Double, depth: Int, seed: UInt64, step: Int, rows: [Row]) {
        self.rate = rate
        self.depth = depth
        self.seed = seed
        self.step = step
        self.rows = rows
    }

    /// For one view of each of some images; without training nothing is left out.
    ///
    /// - Parameter firstSample: the place of the first image in the whole step's batch.
    package init(rate: Double, depth: Int, _ phase: Phase, images: Int, firstSample: Int = 0) {
        guard case .training(let seed, let step) = phase else {
            self = .none
            return
        }
        self.init(
            rate: rate, depth: depth, seed: seed, step: step,
            rows: (0..<images).map { Row(sample: firstSample + $0, view: 0) })
    }

    /// Nothing is left out: the teacher, and every use of finished weights.
    package static let none = DropPath(rate: 0, depth: 1, seed: 0, step: 0, rows: [])

    /// The share of rows that block `index` (from 0) leaves out.
    package func rate(ofBlock index: Int) -> Double { depth > 1 ? rate * Double(index) / Double(depth - 1) : 0 }

    /// tokens + P(branch): the branch is left out for some rows and divided by the share of the others.
    /// - Parameters:
    ///   - branch: `[rows, tokens, width]`, as `tokens`.
    package func adding(_ branch: Tensor, to tokens: Tensor, block: Int, _ kind: Branch) -> Tensor {
        traced("residuals") {
            let factors = factors(of: branch.size(0), rate: rate(ofBlock: block), block, kind)
            return tokens.adding(branch, times: factors?.moved(to: branch.device))
        }
    }

    /// 0 for the rows that leave the branch out, `[rows, 1, 1]`; nil where none may.
    private func factors(of count: Int, rate: Double, _ block: Int, _ kind: Branch) -> Tensor? {
        guard rate > 0 else { return nil }
        precondition(rows.count == count, "drop path of \(rows.count) rows for a batch of \(count)")
        return Tensor(
            rows.map { isKept($0, block, kind, rate) ? Float(1 / (1 - rate)) : 0 }, shape: [rows.count, 1, 1])
    }

    private func isKept(_ row: Row, _ block: Int, _ branch: Branch, _ rate: Double) -> Bool {
        var generator = KeyedGenerator(
            seed, UInt64(step), UInt64(row.sample), UInt64(row.view), UInt64(block), branch.rawValue)
        return generator.uniform() >= rate
    }
}
