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
public struct LabelPropagation {
    public struct Settings: Codable, Equatable, Sendable {
        /// Frames that are remembered beside the first: those right before.
        public var previousFrames = 7
        /// Rows and columns; 0: every patch of the frame is a candidate.
        public var windowRadius = 12
        /// Patches that vote.
        public var topCount = 5
        public var temperature = 0.1

        public init() {}
    }

    private struct Frame {
        /// Unit vectors: as `windowKeys` for the kernel, `[patches, width]` otherwise.
        let keys: Tensor
        /// `[patches, objects]`
        let labels: Tensor
    }

    public let settings: Settings
    public let grid: Grid
    private let radius: Int
    private let usesKernel: Bool
    private let first: Frame
    private var recent: [Frame] = []

    /// - Parameters:
    ///   - tokens: of the first frame, `[patches, width]`, finite, on the device that is to do the work.
    ///   - labels: of its patches, `[patches, objects]`, background among them.
    ///   - usingKernel: false takes tensor operations where the kernel would serve too; they define what it computes.
    public init(
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
    public mutating func propagate(to tokens: Tensor) -> Tensor {
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

    /// The same with tensor operations on any device, row of queries by row of queries: what the kernel means.
    private func plainLabels(of queries: Tensor, from frames: [Frame]) -> Tensor {
        let (rows, columns) = (grid.rows, grid.columns)
        let width = queries.size(1)
        let objects = first.labels.size(1)
        let keys = Tensor.stacked(frames.map { $0.keys.reshaped([rows, columns, width]) })
        let labels = Tensor.stacked(frames.map { $0.labels.reshaped([rows, columns, objects]) })
        let places = Tensor.range(columns, device: queries.device)
        let tooFar = (places.unsqueezed(1) - places.unsqueezed(0)).magnitude() > Double(radius)  // [columns, columns]
        let found = (0..<rows).map { row in
            let near = max(0, row - radius)..<min(rows, row + radius + 1)
            let sources = frames.count * near.count
            let cosines = queries.narrowed(0, row * columns..<(row + 1) * columns)
                .matmul(keys.narrowed(1, near).reshaped([sources * columns, width]).transposed())
                .reshaped([columns, sources, columns])
                .filled(where: tooFar.unsqueezed(1), with: -.infinity)
                .reshaped([columns, sources * columns])
            let top = cosines.top(min(settings.topCount, sources * columns)).values
            let least = top.narrowed(1, top.size(1) - 1..<top.size(1))
            let weights = ((cosines - top.narrowed(1, 0..<1)) / settings.temperature).exp()
                .filled(where: cosines < least, with: 0)
            let shares = weights / weights.sum(1, keeping: true)
            return shares.matmul(labels.narrowed(1, near).reshaped([sources * columns, objects]))
        }
        return Tensor.concatenated(found)
    }
}
