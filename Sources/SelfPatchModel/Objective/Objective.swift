import SelfPatchTensors

/// The two losses and the two centres of a run.
package struct Objective {
    package let settings: ObjectiveSettings
    /// Views of an image, V.
    package let viewCount: Int
    package private(set) var imageCenter: Center
    /// Nil without a patch loss.
    package private(set) var patchCenter: Center?
    private let device: Device
    private var matchings: [Grid: PositiveMatching] = [:]

    /// - Parameter localViewCount: views of an image beside the two global ones.
    package init(_ settings: ObjectiveSettings, heads: HeadSizes, localViewCount: Int, device: Device) {
        self.settings = settings
        self.device = device
        viewCount = 2 + localViewCount
        imageCenter = Center(.zeros([heads.imagePrototypes], device: device))
        patchCenter = settings.hasPatchLoss ? Center(.zeros([heads.patchPrototypes], device: device)) : nil
    }

    /// The temperatures of the teacher at a step.
    package struct Temperatures: Equatable, Sendable {
        package var image: Double
        package var patch: Double

        package init(image: Double, patch: Double) {
            self.image = image
            self.patch = patch
        }
    }

    /// What some views lose, as tensors that have not been waited for.
    package struct Losses {
        package let image: Tensor
        package let patch: Tensor?
        /// image + lambda patch
        package let total: Tensor
    }

    /// Views of an image that have a patch loss.
    var patchViewCount: Int { settings.patchViews == .all ? viewCount : 2 }

    /// The teacher's side of the image loss, for all views of some images.
    /// - Parameter signs: collects what the teacher's distributions look like; nil to save the work.
    package func imageLoss(_ targets: Targets, _ temperatures: Temperatures, signs: Signs? = nil) -> DINOLoss {
        withoutGradients {
            let loss = DINOLoss(targets, center: imageCenter.value, temperature: temperatures.image)
            signs?.observe(imageTargets: loss.targets)
            return loss
        }
    }

    /// The losses of some views' predictions; over all views of an image they add up to the whole.
    /// - Parameters:
    ///   - imageLoss: of these targets.
    ///   - signs: as above.
    package func losses(
        _ predictions: Predictions, _ imageLoss: DINOLoss, _ targets: Targets, _ temperatures: Temperatures,
        signs: Signs? = nil
    ) -> Losses {
        let image = imageLoss.loss(predictions, viewCount: viewCount, temperature: settings.studentTemperature)
        guard let patchCenter, let prototypes = targets.patchPrototypes, !predictions.patches.isEmpty else {
            return Losses(image: image, patch: nil, total: image)
        }
        let patch = PatchLoss(
            targets, prototypes: prototypes, center: patchCenter.value, temperature: temperatures.patch
        )
        .loss(
            predictions, viewCount: patchViewCount, temperature: settings.studentTemperature,
            observe: signs.map { signs in { signs.observe(patchTargets: $0) } })
        return Losses(image: image, patch: patch, total: image + patch * settings.patchWeight)
    }

    /// How positives are chosen on a grid; made once for each.
    package mutating func matching(on grid: Grid) -> PositiveMatching {
        if let known = matchings[grid] { return known }
        let window = NeighborWindow(side: settings.window, border: settings.border, grid: grid)
        let matching = PositiveMatching(window: window, positiveCount: settings.positiveCount, device: device)
        matchings[grid] = matching
        return matching
    }

    /// Adds a part of the batch to what the centres will move by.
    package mutating func collect(_ targets: Targets) {
        imageCenter.collect(targets.imageSum, prototypes: targets.imagePrototypes)
        if let sum = targets.patchSum, let prototypes = targets.patchPrototypes {
            patchCenter?.collect(sum, prototypes: prototypes)
        }
    }

    /// Once a step, after the last part: the losses above used the old centres.
    package mutating func moveCenters(momentum: Double? = nil) {
        imageCenter.move(momentum: momentum ?? settings.centerMomentum)
        patchCenter?.move(momentum: momentum ?? settings.centerMomentum)
    }

    /// After a step that came to nothing.
    package mutating func forgetCollected() {
        imageCenter.forget()
        patchCenter?.forget()
    }

    /// Puts saved centres back, `[K]` and `[K_p]`.
    package mutating func restoreCenters(image: Tensor, patch: Tensor?) {
        imageCenter = Center(image.moved(to: device))
        if let patch, patchCenter != nil { patchCenter = Center(patch.moved(to: device)) }
    }
}
