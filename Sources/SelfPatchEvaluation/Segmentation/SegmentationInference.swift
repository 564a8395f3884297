import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// The class of each pixel of an image, at the image's own size.
///
/// An image is resized as for training, without the random factor; scores of its pixels are enlarged or shrunk to its own size
/// (bilinear), and the highest one wins, of equal ones the lower class.
///
/// Source: `slide_inference` and `whole_inference` in mmsegmentation's EncoderDecoder.
package struct SegmentationInference {
    package struct Settings: Codable, Equatable, Sendable {
        package enum Mode: String, SettingsChoice {
            case whole, slide
        }

        package var mode = Mode.whole
        /// Side of a window in pixels.
        package var window = 512
        /// From one window to the next.
        package var stride = 341
        /// Take the mean over the image and its mirror image.
        package var flip = false

        package init() {}

        func validate() throws {
            guard window >= 1, 1...window ~= stride else {
                throw UserError(
                    "inference.window is \(window) and inference.stride \(stride); a stride lies from 1 to the "
                        + "window's side, or pixels would be left out.", kind: .usage)
            }
        }
    }

    package let segmenter: Segmenter
    package let settings: Settings
    let views: SegmentationViewSettings
    let normalization: ViewNormalization
    let precision: Precision
    /// Numbers that are enlarged at once: 200 MB of them.
    package var enlargedAtOnce = 50_000_000

    package init(
        _ segmenter: Segmenter, _ settings: Settings, views: SegmentationViewSettings,
        normalization: ViewNormalization, precision: Precision = .float32
    ) {
        self.segmenter = segmenter
        self.settings = settings
        self.views = views
        self.normalization = normalization
        self.precision = precision
    }

    /// - Parameter image: of the network's channels, any size.
    /// - Returns: `[height, width]` class numbers, row by row.
    package func classes(of image: Pixels) -> [UInt8] {
        let size = views.resizedSize(height: image.height, width: image.width)
        let planes =
            size == ViewSize(height: image.height, width: image.width) ? image.planes : image.resizedLinear(to: size)
        let bytes = Tensor(planes, shape: [1, image.channels, size.height, size.width])
        return withoutGradients {
            let view = normalization(bytes.moved(to: segmenter.network.device))
            return highest(in: scores(of: view), at: Grid(rows: image.height, columns: image.width))
        }
    }

    /// Counts truth against prediction over labelled images, at the labels' own size.
    ///
    /// - Parameter progress: is told how many images are done, after each; what it throws ends it.
    package func confusion(
        over images: SampleSource<LabelledImage>, progress: (Int) throws -> Void = { _ in }
    ) throws -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classCount: segmenter.classCount)
        for index in 0..<images.count {
            let sample = try images.read(index)
            matrix.add(
                truth: sample.labels.bytes, predicted: classes(of: sample.image), ignored: Int(LabelNumbering.none))
            try progress(index + 1)
        }
        return matrix
    }

    /// `[1, classes, height, width]` at the view's own size.
    package func scores(of view: Tensor) -> Tensor {
        guard settings.flip else { return logits(of: view) }
        let mirrored = logits(of: view.flipped([3])).softmax(over: 1).flipped([3])
        return (logits(of: view).softmax(over: 1) + mirrored) / 2
    }

    private func logits(of view: Tensor) -> Tensor {
        func run(_ view: Tensor) -> Tensor {
            precision.run(on: segmenter.network.device) { segmenter.logits(of: view) }
        }
        guard settings.mode == .slide else { return run(view) }
        let (height, width) = (view.size(2), view.size(3))
        let sum = Tensor.zeros([1, segmenter.classCount, height, width], device: view.device)
        let count = Tensor.zeros([1, 1, height, width], device: view.device)
        for rows in Self.windows(height, settings) {
            for columns in Self.windows(width, settings) {
                let scores = run(view.narrowed(to: rows, dimension: 2).narrowed(to: columns, dimension: 3))
                sum.narrowed(to: rows, dimension: 2).narrowed(to: columns, dimension: 3).add(scores)
                let place = count.narrowed(to: rows, dimension: 2).narrowed(to: columns, dimension: 3)
                place.add(Tensor.ones(place.shape, device: view.device))
            }
        }
        return sum / count
    }

    /// Windows that cover a side: by strides, the last one moved back to end with the image.
    package static func windows(_ length: Int, _ settings: Settings) -> [Range<Int>] {
        let count = max(length - settings.window + settings.stride - 1, 0) / settings.stride + 1
        return (0..<count).map { number in
            let end = min(number * settings.stride + settings.window, length)
            return max(end - settings.window, 0)..<end
        }
    }

    /// The class with the highest score at each pixel of `grid`. Classes are enlarged a few at a time: those of a large picture
    /// together would not fit into memory.
    private func highest(in scores: Tensor, at grid: Grid) -> [UInt8] {
        let chunk = max(1, enlargedAtOnce / grid.count)
        var best: Tensor?
        var number: Tensor?
        for start in stride(from: 0, to: scores.size(1), by: chunk) {
            let part = scores.narrowed(to: start..<min(start + chunk, scores.size(1)), dimension: 1)
            let enlarged = part.grid == grid ? part : part.resizedBilinear(to: grid)
            let (values, places) = (enlarged.max(over: 1), enlarged.argMax(over: 1) + Double(start))
            if let former = best, let formerNumber = number {
                let isHigher = values > former
                best = .choose(isHigher, values, former)
                number = .choose(isHigher, places, formerNumber)
            } else {
                (best, number) = (values, places)
            }
        }
        return number.map { $0.cast(to: .uint8).bytes() } ?? []
    }
}
