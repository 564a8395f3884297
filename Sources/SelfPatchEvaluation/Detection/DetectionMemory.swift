import SelfPatchData
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining

/// How much memory a step of a detector's training takes at most, by arithmetic on its settings, in float32 on a CPU: pictures of the
/// largest size, and as many regions with objects as a step may have.
package struct DetectionMemory: Sendable, Equatable {
    /// Weights, gradients and moments.
    package let fixed: Double
    /// What the backward needs of the pictures that are taken together.
    package let activations: Double

    /// Bytes.
    package var bytes: Double { fixed + activations + StepMemory.program }

    /// - Parameter detector: on its backbone.
    package init(_ settings: DetectionSettings, detector: MaskRCNN) {
        let number = 4.0
        let (architecture, model) = (detector.network.architecture, settings.model)
        func count(_ tensors: some Sequence<Tensor>) -> Double { tensors.reduce(0) { $0 + Double($1.count) } }
        let trained = count(detector.parameters.map(\.tensor))
        fixed = number * (count(detector.state.map(\.tensor)) + 3 * trained)

        let short = settings.views.shortSides.max() ?? 0
        let long = min(settings.views.longSide, short * 4 / 3)
        let area = Double(detector.padded(short) * detector.padded(long))
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

    /// What to say of a run with these settings before it starts.
    ///
    /// - Parameter free: bytes that could be had before the networks were made.
    package static func sentence(_ settings: DetectionSettings, detector: MaskRCNN, free: Double) -> String {
        let needed = DetectionMemory(settings, detector: detector).bytes
        let sizes =
            "A step takes up to \(StepMemory.size(needed)) of memory, \(StepMemory.size(free)) are free."
        guard needed > free else { return sizes }
        var less = settings
        less.atOnce = 1
        let alone = DetectionMemory(less, detector: detector).bytes
        let advice =
            alone < needed
            ? "One picture at a time, atOnce=1, takes up to \(StepMemory.size(alone))."
            : "Smaller pictures take less: views.shortSides and views.longSide."
        return "\(sizes) It may not fit. \(advice)"
    }
}
