import SelfPatchTensors

/// Carries labels through a video by the features of its patches; nothing is trained.
///
/// A frame's patch takes the labels of the patches most like it in the first frame and in the frames right before, as a mean
/// with weights exp(cosine / temperature) over the `topCount` largest (all that equal the last of these count). Candidates lie at most
/// `windowRadius` rows and columns away. The labels found so are shares, and are passed on as they are.
///
/// Source: `label_propagation` and `restrict_neighborhood` in the authors' eval_video_segmentation.py, after Jabri, Owens and
/// Efros, Space-Time Correspondence as a Contrastive Random Walk, 2020. There the whole matrix of affinities is made and masked;
/// here only what lies in the windows.
package struct LabelPropagation {
    package struct Settings: Codable, Equatable, Sendable {
        /// Frames that are remembered beside the first: those right before.
        package var previousFrames = 7
        /// Rows and columns; 0: every patch of the frame is a candidate.
        package var windowRadius = 12
        /// Patches that vote.
        package var topCount = 5
        package var temperature = 0.1

        package init() {}
    }

    private struct Frame {
        /// Unit vectors: as `windowKeys` for the kernel, `[patches, width]` otherwise.
        let keys: Tensor
        /// `[patches, objects]`
        let labels: Tensor
    }

    package let settings: Settings
    package let grid: Grid
    private let radius: Int
    private let usesKernel: Bool
    private let first: Frame
    private var recent: [Frame] = []

    /// - Parameters:
    ///   - tokens: of the first frame, `[patches, width]`, finite, on the device that is to do the work.
    ///   - labels: of its patches, `[patches, objects]`, background among them.
    ///   - usingKernel: false takes tensor operations where the kernel would serve too; they define what it computes.
    package init(
        settings: Settings = Settings(), grid: Grid, tokens: Tensor, labels: Tensor, usingKernel: Bool = true
    ) {
        precondition(
            tokens.rank == 2 && tokens.size(0) == grid.count && labels.rank == 2 && labels.size(0) == grid.count,
            "tokens of \(tokens.shape) and labels of \(labels.shape) for \(grid.rows) x \(grid.columns) patches")
        precondition(
            settings.topCount > 0 && settings.temperature > 0 && settings.previousFrames >= 0
                && settings.windowRadius >= 0, "\(settings)")
        self.settings = settings
        self.grid = grid
        // A window that reaches from one corner to the other leaves nothing out.
        radius = settings.windowRadius > 0 ? settings.windowRadius : max(grid.rows, grid.columns) - 1
        usesKernel = usingKernel && tokens.suitsKernels
        let unit = tokens.normalized()
        first = Frame(
            keys: usesKernel ? unit.windowKeys(grid: grid, radius: radius) : unit,
            labels: labels.moved(to: tokens.device).cast(to: tokens.elementType).contiguous())
    }

    /// Finds the labels of the next frame, `[patches, objects]` in shares, and remembers them.
    ///
    /// - Parameter tokens: of that frame, as the first frame's.
    package mutating func propagate(to tokens: Tensor) -> Tensor {
        let frames = [first] + recent
        let queries = tokens.normalized().contiguous()
        let labels =
            usesKernel
            ? Tensor.propagatedLabels(
                queries: queries, keys: frames.map(\.keys), labels: frames.map(\.labels), grid: grid, radius: radius,
                top: settings.topCount, temperature: settings.temperature)
            : plainLabels(of: queries, from: frames)
        if settings.previousFrames > 0 {
            if recent.count == settings.previousFrames { recent.removeFirst() }
            let keys = usesKernel ? queries.windowKeys(grid: grid, radius: radius) : queries
            recent.append(Frame(keys: keys, labels: labels))
        }
        return labels
    }

    /// Rows of queries that are looked at together by tensor operations: enough to keep a GPU busy, and few enough that what is
    /// computed beyond the windows stays small.
    private static let rowsTogether = 8

    /// The same with tensor operations on any device: what the kernel means.
    private func plainLabels(of queries: Tensor, from frames: [Frame]) -> Tensor {
        let (rows, columns) = (grid.rows, grid.columns)
        let width = queries.size(1)
        let objects = first.labels.size(1)
        let keys = Tensor.stacked(frames.map { $0.keys.reshaped(to: [rows, columns, width]) })
        let labels = Tensor.stacked(frames.map { $0.labels.reshaped(to: [rows, columns, objects]) })
        func areFar(_ a: Range<Int>, _ b: Range<Int>) -> Tensor {
            func places(_ range: Range<Int>) -> Tensor {
                Tensor.range(range.count, device: queries.device) + Double(range.lowerBound)
            }
            return (places(a).unsqueezed(at: 1) - places(b).unsqueezed(at: 0)).magnitude() > Double(radius)
        }
        let columnsAreFar = areFar(0..<columns, 0..<columns).reshaped(to: [1, columns, 1, 1, columns])
        let found = stride(from: 0, to: rows, by: Self.rowsTogether).map { start in
            let asked = start..<min(rows, start + Self.rowsTogether)
            let near = max(0, asked.lowerBound - radius)..<min(rows, asked.upperBound + radius)
            let rowsAreFar = areFar(asked, near).reshaped(to: [asked.count, 1, 1, near.count, 1])
            let sources = frames.count * near.count * columns
            let cosines = queries.narrowed(to: asked.lowerBound * columns..<asked.upperBound * columns, dimension: 0)
                .matmul(keys.narrowed(to: near, dimension: 1).reshaped(to: [sources, width]).transposed())
                .reshaped(to: [asked.count, columns, frames.count, near.count, columns])
                .filled(where: rowsAreFar, with: -.infinity)
                .filled(where: columnsAreFar, with: -.infinity)
                .reshaped(to: [asked.count * columns, sources])
            let top = cosines.top(min(settings.topCount, sources)).values
            let least = top.narrowed(to: top.size(1) - 1..<top.size(1), dimension: 1)
            let weights = ((cosines - top.narrowed(to: 0..<1, dimension: 1)) / settings.temperature).exp()
                .filled(where: cosines < least, with: 0)
            let shares = weights / weights.sum(over: 1, keeping: true)
            return shares.matmul(labels.narrowed(to: near, dimension: 1).reshaped(to: [sources, objects]))
        }
        return Tensor.concatenated(found)
    }
}
