import SelfPatchData
import SelfPatchFormats
import SelfPatchTensors

/// Images with a map of labels each, wherever they come from.
package struct LabelledImages: Sendable {
    package let count: Int
    /// Numbers of the maps' labels; those of this and above are "no label".
    package let classCount: Int
    package let image: @Sendable (Int) throws -> Pixels
    /// One channel, one byte a pixel.
    package let labels: @Sendable (Int) throws -> Pixels

    package init(
        count: Int, classCount: Int, image: @escaping @Sendable (Int) throws -> Pixels,
        labels: @escaping @Sendable (Int) throws -> Pixels
    ) {
        self.count = count
        self.classCount = classCount
        self.image = image
        self.labels = labels
    }

    /// Scenes with their masks: ground is class 0, the ten kinds follow.
    package static func scenes(_ generator: SceneGenerator, _ range: Range<Int>) -> LabelledImages {
        LabelledImages(
            count: range.count, classCount: ThingKind.allCases.count + 1,
            image: { generator.scene(range.lowerBound + $0).pixels },
            labels: {
                let scene = generator.scene(range.lowerBound + $0)
                return Pixels(height: scene.pixels.height, width: scene.pixels.width, channels: 1, bytes: scene.mask)
            })
    }
}

/// Scores patch features on labelled images by `PatchNearestNeighbors`: training images fill the bank, the patches of the
/// validation images are labelled.
package struct PatchEvaluation {
    /// What of an image goes through the network.
    package enum Frame: Equatable, Sendable {
        /// The whole image, resized so that its shorter side has about so many pixels and both sides are whole patches.
        case whole(shorterSide: Int)
        /// The whole image, resized to just this.
        case exact(ViewSize)

        /// The size for an image of some size: at least one patch, always whole patches.
        package func size(height: Int, width: Int, patchSize: Int) -> ViewSize {
            func whole(_ side: Double) -> Int { max(1, Int(side / Double(patchSize))) * patchSize }
            switch self {
            case .exact(let size):
                return ViewSize(height: whole(Double(size.height)), width: whole(Double(size.width)))
            case .whole(let shorterSide):
                let factor = Double(shorterSide) / Double(min(height, width))
                return ViewSize(
                    height: whole(Double(height) * factor + 0.5), width: whole(Double(width) * factor + 0.5))
            }
        }
    }

    package let extractor: FeatureExtractor
    package let frame: Frame
    package var settings: PatchNearestNeighbors.Settings

    package init(extractor: FeatureExtractor, frame: Frame, settings: PatchNearestNeighbors.Settings = .init()) {
        self.extractor = extractor
        self.frame = frame
        self.settings = settings
    }

    /// - Parameter progress: is told how many of the images of both sets are done.
    /// - Throws: what reading an image or `progress` throws; `UserError` where no training patch has a label, or where an image and its
    ///   labels differ in size.
    package func score(
        training: LabelledImages, validation: LabelledImages, progress: ((Int) throws -> Void)? = nil
    ) throws -> ConfusionMatrix {
        precondition(training.classCount == validation.classCount, "classes of training and validation differ")
        var builder = PatchBank.Builder(imageCount: training.count, settings: settings)
        try forEachImage(of: training) { index, features, labels in
            builder.add(features: features, labels: labels)
            try progress?(index + 1)
        }
        guard let bank = builder.bank else {
            throw UserError(
                "No patch of the \(training.count) training images has a label below \(training.classCount).")
        }
        let classifier = PatchNearestNeighbors(bank: bank, settings: settings, device: extractor.network.device)
        var score = ConfusionMatrix(classCount: validation.classCount)
        try forEachImage(of: validation) { index, features, labels in
            score.add(classifier.score(of: features, truth: labels))
            try progress?(training.count + index + 1)
        }
        return score
    }

    private struct Prepared {
        let planes: [UInt8]
        let size: ViewSize
        let labels: PatchLabels
    }

    /// Images in order; those of one size that follow each other go through the network together.
    private func forEachImage(of images: LabelledImages, _ body: (Int, Tensor, PatchLabels) throws -> Void) throws {
        let (frame, patchSize) = (frame, extractor.network.architecture.patchSize)
        for start in stride(from: 0, to: images.count, by: extractor.batchSize) {
            let count = min(extractor.batchSize, images.count - start)
            let prepared = try concurrently(count, lane: ViewScratch.init) { place, scratch in
                Result {
                    try Self.prepared(
                        start + place, of: images, frame: frame, patchSize: patchSize, scratch: scratch)
                }
            }.map { try $0.get() }
            var first = 0
            while first < count {
                let size = prepared[first].size
                let end = prepared[first...].firstIndex { $0.size != size } ?? count
                let (features, _) = try extractor.patches(
                    ofPlanes: prepared[first..<end].map(\.planes), size: size)
                for place in first..<end {
                    try body(start + place, features.selected(place - first, dimension: 0), prepared[place].labels)
                }
                first = end
            }
        }
    }

    private static func prepared(
        _ index: Int, of images: LabelledImages, frame: Frame, patchSize: Int, scratch: ViewScratch
    ) throws -> Prepared {
        let (image, labels) = (try images.image(index), try images.labels(index))
        guard image.height == labels.height, image.width == labels.width else {
            throw UserError(
                "Image \(index + 1) has \(image.height) x \(image.width) pixels, its labels have "
                    + "\(labels.height) x \(labels.width).")
        }
        let size = frame.size(height: image.height, width: image.width, patchSize: patchSize)
        let mask = labels.nearest(in: size, rows: 0..<size.height, columns: 0..<size.width)
        return Prepared(
            planes: image.resized(to: size, scratch: scratch), size: size,
            labels: PatchLabels(
                mask: mask, height: size.height, width: size.width, patchSize: patchSize,
                classCount: images.classCount))
    }
}
