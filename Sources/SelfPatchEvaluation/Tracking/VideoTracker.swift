import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// Follows the objects of a first mask through a video by a network's patch features.
///
/// Every default is the authors': eval_video_segmentation.py of SelfPatch, which is DINO's.
package struct VideoTracker {
    package struct Settings: Codable, Equatable, Sendable {
        package var propagation = LabelPropagation.Settings()
        /// Frames are resized so that their shorter side has so many pixels.
        package var shorterSide = 480
        /// The other side is rounded down to a multiple of this; then both to whole patches.
        package var sideMultiple = 64
        /// Of pixels in 0...1, one number a channel.
        package var mean: [Double]
        package var deviation: [Double]

        /// ImageNet's; with the red deviation of the authors' script, 0.228 where everybody else has 0.229.
        package static let scriptDeviation = [0.228, 0.224, 0.225]

        /// - Parameter description: of the weights. Where they were trained with ImageNet's mean and deviation the script's are
        ///   taken, otherwise their own.
        package init(for description: WeightsDescription) {
            let own = ViewNormalization(mean: description.mean, deviation: description.deviation)
            mean = own.mean
            deviation = own == .imageNet ? Self.scriptDeviation : own.deviation
        }

        /// What frames of some size are resized to. A square's width is rounded.
        package func frameSize(height: Int, width: Int) -> ViewSize {
            func rounded(_ side: Int, over shorter: Int) -> Int {
                shorterSide * side / shorter / sideMultiple * sideMultiple
            }
            return height > width
                ? ViewSize(height: rounded(height, over: width), width: shorterSide)
                : ViewSize(height: shorterSide, width: rounded(width, over: height))
        }
    }

    /// Where the time of a video went, in seconds.
    package struct Timing: Codable, Equatable, Sendable {
        package var frames = 0
        /// Decoding and resizing.
        package var reading = 0.0
        package var network = 0.0
        package var propagation = 0.0
        /// From shares to a mask of the frame's size.
        package var masks = 0.0

        package init() {}

        package mutating func add(_ other: Timing) {
            frames += other.frames
            reading += other.reading
            network += other.network
            propagation += other.propagation
            masks += other.masks
        }
    }

    package let network: Network
    package let settings: Settings
    private let normalization: ViewNormalization

    package init(network: Network, settings: Settings) {
        precondition(
            settings.mean.count == network.architecture.channels && settings.deviation.count == settings.mean.count,
            "\(settings.mean) and \(settings.deviation) for \(network.architecture.channels) channels")
        self.network = network
        self.settings = settings
        normalization = ViewNormalization(mean: settings.mean, deviation: settings.deviation)
    }

    /// Objects of a mask that the reduction to the grid leaves without a patch, and that no frame can show therefore.
    package func lostObjects(of mask: Pixels) -> [Int] {
        guard let grid = try? grid(height: mask.height, width: mask.width) else { return [] }
        let small = mask.resizedLabels(to: ViewSize(height: grid.rows, width: grid.columns))
        return Set(mask.bytes).subtracting(small.bytes).map(Int.init).sorted()
    }

    /// - Parameter each: is handed the number of each frame, in order, and its mask, one channel, of the frame's size; the first
    ///   frame's is the given one.
    /// - Throws: what reading a frame throws, and `each`; `UserError` where features are not finite.
    package func track(_ video: TrackedVideo, each: (Int, Pixels) throws -> Void) throws -> Timing {
        let mask = try video.firstMask()
        let grid = try grid(height: mask.height, width: mask.width)
        var timing = Timing()
        let tokens = try features(of: video, 0, timing: &timing)
        var propagation = LabelPropagation(
            settings: settings.propagation, grid: grid, tokens: tokens,
            labels: PropagatedMask.labels(of: mask, grid: grid))
        try each(0, mask)
        for index in 1..<max(video.frames.count, 1) {
            let tokens = try features(of: video, index, timing: &timing)
            let shares = measured(&timing.propagation) { propagation.propagate(to: tokens) }
            let map = measured(&timing.masks) {
                PropagatedMask.map(of: shares, grid: grid, patchSize: network.architecture.patchSize)
                    .resizedLabels(to: ViewSize(height: mask.height, width: mask.width))
            }
            try each(index, map)
        }
        return timing
    }

    /// - Throws: `UserError` where a frame does not hold a single patch.
    private func grid(height: Int, width: Int) throws -> Grid {
        let size = settings.frameSize(height: height, width: width)
        let side = network.architecture.patchSize
        let grid = Grid(height: size.height, width: size.width, patchSize: side)
        guard grid.count > 0 else {
            throw UserError(
                "Frames of \(height) x \(width) pixels are resized to \(size), which holds no patch of \(side) x \(side): take a "
                    + "larger side or a smaller multiple.", kind: .usage)
        }
        return grid
    }

    /// The last block's patches of one frame, `[patches, width]`.
    private func features(of video: TrackedVideo, _ index: Int, timing: inout Timing) throws -> Tensor {
        let channels = network.architecture.channels
        let (planes, size) = try measured(&timing.reading) {
            let picture = try ImageFile.decode(path: video.frames.path(index), channels: channels)
            let size = settings.frameSize(height: picture.height, width: picture.width)
            return (picture.resizedLinear(to: size), size)
        }
        timing.frames += 1
        let tokens = measured(&timing.network) {
            let bytes = Tensor(planes, shape: [1, channels, size.height, size.width])
            return network.features(of: normalization(bytes.moved(to: network.device))).patches.selected(
                0, dimension: 0)
        }
        guard tokens.isFinite else {
            throw UserError(
                "The network's features of \(PrintableName.of(video.frames.path(index))) are not finite numbers: its weights are "
                    + "damaged or training had diverged.")
        }
        return tokens
    }

    private func measured<Result>(_ seconds: inout Double, _ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer { seconds += (ContinuousClock.now - start).seconds }
        let result = try body()
        network.device.synchronize()
        return result
    }
}
