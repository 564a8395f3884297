import SelfPatchData
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// How much memory a step of a detector's training takes at most, by arithmetic on its settings, in float32 on a CPU: the largest of the
/// pictures together, and as many regions with objects as a step may have.
package struct DetectionMemory: Sendable, Equatable {
    /// Weights, gradients and moments.
    package let fixed: Double
    /// What the backward needs of the pictures that are taken together.
    package let activations: Double

    /// Bytes.
    package var bytes: Double { fixed + activations + StepMemory.program }

    /// - Parameters:
    ///   - detector: on its backbone.
    ///   - data: what it is trained on, at least one picture.
    package init(_ settings: DetectionSettings, detector: MaskRCNN, data: DetectionData) {
        let number = 4.0
        let (architecture, model) = (detector.network.architecture, settings.model)
        func count(_ tensors: some Sequence<Tensor>) -> Double { tensors.reduce(0) { $0 + Double($1.count) } }
        let trained = count(detector.parameters.map(\.tensor))
        fixed = number * (count(detector.state.map(\.tensor)) + 3 * trained)

        let largest = Self.largestView(settings, data)
        let area = Double(detector.padded(largest.height) * detector.padded(largest.width))
        let tokens = area / Double(architecture.patchSize * architecture.patchSize)
        let (width, channels) = (Double(architecture.width), Double(model.channels))
        // As in pretraining: two sums, two norms, three of attention and its result; before and behind the MLP's activation.
        let block = 8 * width + 2 * Double(architecture.hiddenWidth)
        let blocks = tokens * (model.isFrozen ? block + 4 * width : Double(architecture.depth) * block)
        // Places of the four levels, of which the finest has most.
        let places = FeaturePyramid.strides.reduce(0) { $0 + area / Double($1 * $1) }
        let finest = area / 16
        // The finest level's two doublings with norm and activation between, the second level's doubling.
        let levels = finest * width + 4 * area / 64 * width
        // Lateral maps, sums with the enlarged one above, results; before and behind the activation of the proposals' layer, and
        // while its gradient flows back one more of the finest.
        let pyramid = 6 * places * channels + finest * channels
        let size = 49.0
        let regions = Double(model.regions > 0 ? model.regions : model.trainingProposals.after)
        let boxes = regions * (3 * size * channels + 4 * Double(model.hiddenWidth))
        let positives = regions / 4
        let masks = model.masks ? positives * (10 * 4 * size * channels + 3 * 16 * size * channels) : 0
        activations = number * Double(settings.atOnce) * (blocks + levels + pyramid + boxes + masks + 4 * area)
    }

    /// What the pictures that are taken together may be filled up to: a wide one and a tall one make a large square.
    private static func largestView(_ settings: DetectionSettings, _ data: DetectionData) -> ViewSize {
        let (views, sides) = (settings.views, settings.views.cropSides)
        let cuts = views.crop > 0 ? [(sides.lowerBound, sides.upperBound), (sides.upperBound, sides.lowerBound)] : []
        let (short, long) = (Double(views.shortSides.max() ?? 0), Double(views.longSide))
        let sizes = (data.images.map { ($0.height, $0.width) } + cuts).map { height, width in
            ViewSize(height: height, width: width).scaled(shortSide: short, longSide: long)
        }
        let none = ViewSize(square: 0)
        guard settings.atOnce > 1 else { return sizes.max { $0.pixels < $1.pixels } ?? none }
        return sizes.reduce(none) {
            ViewSize(height: max($0.height, $1.height), width: max($0.width, $1.width))
        }
    }

    /// What to say of a run with these settings before it starts.
    ///
    /// - Parameter free: bytes that could be had before the networks were made.
    package static func sentence(
        _ settings: DetectionSettings, detector: MaskRCNN, data: DetectionData, free: Double
    ) -> String {
        let needed = DetectionMemory(settings, detector: detector, data: data).bytes
        let sizes =
            "A step takes up to \(StepMemory.size(needed)) of memory, \(StepMemory.size(free)) are free."
        guard needed > free else { return sizes }
        var less = settings
        less.atOnce = 1
        let alone = DetectionMemory(less, detector: detector, data: data).bytes
        let advice =
            alone < needed
            ? "One picture at a time, atOnce=1, takes up to \(StepMemory.size(alone))."
            : "Smaller pictures take less: views.shortSides and views.longSide."
        return "\(sizes) It may not fit. \(advice)"
    }
}
