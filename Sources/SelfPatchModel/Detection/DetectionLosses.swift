import SelfPatchTensors

/// The five losses of a batch, which add up to what is learnt from.
package struct DetectionLosses {
    /// Whether anchors lie on objects.
    package let objectness: Tensor
    /// Where proposals lie.
    package let proposals: Tensor
    /// Which classes regions show.
    package let classes: Tensor
    /// Where detections lie.
    package let boxes: Tensor
    /// Which pixels belong to objects; nil without a mask head.
    package let masks: Tensor?

    /// By name, in the order of the network.
    package var terms: [(name: String, value: Tensor)] {
        [("objectness", objectness), ("proposals", proposals), ("classes", classes), ("boxes", boxes)]
            + (masks.map { [("masks", $0)] } ?? [])
    }
}

/// What the region proposal network should have said of the anchors that were drawn.
///
/// Source: Ren et al. 2015; `RPNHead.loss` of mmdetection, with the plain distance of its configuration.
package struct AnchorTargets {
    /// Of all pictures' anchors, one after the other.
    package var positives: [Int] = []
    package var negatives: [Int] = []
    /// Of each positive.
    package var deltas: [SIMD4<Float>] = []
    /// What both losses are divided by: the anchors drawn, though one of either kind at least for each picture.
    package var count = 0

    package init() {}

    /// - Parameters:
    ///   - logits: `[pictures * anchors]`
    ///   - shifts: `[pictures * anchors, 4]`
    package func losses(logits: Tensor, deltas shifts: Tensor) -> (objectness: Tensor, proposals: Tensor) {
        let device = logits.device
        func indices(_ numbers: [Int]) -> Tensor { Tensor(numbers, shape: [numbers.count]).moved(to: device) }
        let wanted = positives.map { _ in Float(1) } + negatives.map { _ in Float(0) }
        let objectness = logits.rows(indices(positives + negatives))
            .binaryCrossEntropies(Tensor(wanted, shape: [wanted.count]).moved(to: device)).sum()
        let distance = (shifts.rows(indices(positives)) - Tensor(deltas).moved(to: device)).magnitude().sum()
        return (objectness / Double(max(count, 1)), distance / Double(max(count, 1)))
    }
}

/// The regions that were drawn of a batch, those with objects of each picture before its others, and what the heads should
/// have said of them.
///
/// Source: `StandardRoIHead`, `BBoxHead.loss` and `FCNMaskHead.loss` of mmdetection.
package struct RegionTargets {
    package var regions: [RegionFeatures.Region] = []
    /// Of each region; the number of classes stands for background.
    package var labels: [Int] = []
    /// Those with objects.
    package var positives: [Int] = []
    /// Of each positive: its object's place in the picture's truth.
    package var objects: [Int] = []
    /// Of each positive.
    package var deltas: [SIMD4<Float>] = []
    /// Of each positive `[28, 28]`.
    package var masks: [Float] = []

    package init() {}

    /// - Parameters:
    ///   - logits: `[regions, classes + 1]`
    ///   - shifts: `[regions, 4 * classes]` or `[regions, 4]`
    package func boxLosses(logits: Tensor, deltas shifts: Tensor) -> (classes: Tensor, boxes: Tensor) {
        // A sum over nothing: 0, with its gradients.
        guard !regions.isEmpty else { return (logits.sum(), shifts.sum()) }
        let device = logits.device
        let classes = logits.crossEntropy(Tensor(labels, shape: [labels.count]).moved(to: device))
        let distance = (rows(ofPositivesIn: shifts, width: 4) - Tensor(deltas).moved(to: device)).magnitude().sum()
        return (classes, distance / Double(regions.count))
    }

    /// - Parameter logits: of each positive, `[positives, classes, 28, 28]` or `[positives, 1, 28, 28]`.
    package func maskLoss(logits: Tensor) -> Tensor {
        guard !positives.isEmpty else { return logits.sum() }
        let (count, kinds, size) = (positives.count, logits.size(1), logits.size(2) * logits.size(3))
        let places = positives.enumerated().map { place, region in place * kinds + (kinds > 1 ? labels[region] : 0) }
        let own = logits.reshaped(to: [count * kinds, size])
            .rows(Tensor(places, shape: [count]).moved(to: logits.device))
        return own.binaryCrossEntropies(Tensor(masks, shape: [count, size]).moved(to: logits.device)).mean()
    }

    /// For each positive what was said for its class, `[positives, width]`.
    private func rows(ofPositivesIn output: Tensor, width: Int) -> Tensor {
        let kinds = output.size(1) / width
        let places = positives.map { $0 * kinds + (kinds > 1 ? labels[$0] : 0) }
        return output.reshaped(to: [output.size(0) * kinds, width])
            .rows(Tensor(places, shape: [places.count]).moved(to: output.device))
    }
}
