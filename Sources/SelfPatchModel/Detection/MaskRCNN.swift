import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// A backbone with what finds objects, names them and says which pixels are theirs.
///
///     tokens of four blocks -> FeaturePyramid -> TopDownPyramid -> five maps
///       -> RegionProposalNetwork -> ProposalSelection -> regions
///       -> BoxHead -> DetectionSelection -> MaskHead
///
/// Source: He et al. 2017 (arXiv 1703.06870), in the authors' configuration of mmdetection.
package final class MaskRCNN: Buffered {
    package let network: Network
    package let settings: MaskRCNNSettings
    package let classCount: Int
    private let blocks: [Int]
    private let levels: FeaturePyramid
    private let pyramid: TopDownPyramid
    private let proposals: RegionProposalNetwork
    private let boxes: BoxHead
    private let masks: MaskHead?

    /// Draws everything behind a backbone.
    ///
    /// - Parameter settings: valid ones for this network.
    package init(_ network: Network, _ settings: MaskRCNNSettings, classCount: Int, seed: UInt64) {
        let architecture = network.architecture
        let initializer = Initializer(seed: seed, device: network.device)
        self.network = network
        self.settings = settings
        self.classCount = classCount
        blocks = settings.blocks(depth: architecture.depth).map { $0 - 1 }
        levels = FeaturePyramid(.strides, width: architecture.width, patchSize: architecture.patchSize, initializer)
        pyramid = TopDownPyramid(
            from: blocks.map { _ in architecture.width }, to: settings.channels, initializer)
        proposals = RegionProposalNetwork(channels: settings.channels, initializer)
        let kinds = settings.classAgnostic ? 1 : classCount
        boxes = BoxHead(
            channels: settings.channels, hiddenWidth: settings.hiddenWidth, classCount: classCount, boxCount: kinds,
            initializer)
        masks = settings.masks ? MaskHead(channels: settings.channels, maskCount: kinds, initializer) : nil
    }

    /// The sides of pictures have to be multiples of this many pixels: of the coarsest level's stride and of the patch.
    package var cell: Int {
        let (stride, patch) = (FeaturePyramid.strides[3], network.architecture.patchSize)
        return (1...patch).map { $0 * stride }.first { $0 % patch == 0 } ?? stride * patch
    }

    /// A length filled up to whole cells.
    package func padded(_ length: Int) -> Int { (length + cell - 1) / cell * cell }

    // MARK: The five maps

    /// - Parameter views: `[images, channels, height, width]`, normalised; sides are multiples of `cell`.
    /// - Returns: `[images, channels, rows, columns]` for the strides of `AnchorGrid`.
    package func maps(of views: Tensor, _ phase: Phase, firstSample: Int = 0) -> [Tensor] {
        precondition(
            views.size(2) % cell == 0 && views.size(3) % cell == 0, "views of \(views.shape), cells of \(cell)")
        let maps = pyramid(levelMaps(of: views, phase, firstSample))
        // The fifth takes every second place of the fourth.
        return maps + [maps[3].maxPooled(1, stride: 2)]
    }

    /// The backbone's levels at the four strides.
    private func levelMaps(of views: Tensor, _ phase: Phase, _ firstSample: Int) -> [Tensor] {
        func tokens(_ dropPath: DropPath) -> [Tensor] {
            network.backbone.levels(blocks, of: views, dropPath, window: settings.window)
        }
        let chosen: [Tensor]
        if settings.isFrozen || !phase.isTraining {
            chosen = withoutGradients { tokens(.none) }
        } else {
            chosen = tokens(
                DropPath(
                    rate: settings.dropPath, depth: network.architecture.depth, phase, images: views.size(0),
                    firstSample: firstSample))
        }
        return levels(chosen, grid: network.backbone.grid(of: views), phase)
    }

    // MARK: Learning

    /// What a training pass chose and said on its way, for tests and for the curious.
    package struct TrainingPass {
        package let losses: DetectionLosses
        /// Of each picture.
        package let proposals: [[ProposalSelection.Proposal]]
        package let targets: RegionTargets
        /// `[regions, classes + 1]`
        package let logits: Tensor
        /// `[regions, 4 * classes]` or `[regions, 4]`
        package let deltas: Tensor
    }

    /// The losses of a batch.
    ///
    /// - Parameters:
    ///   - views: `[images, channels, height, width]`, normalised and filled up with 0 below and to the right.
    ///   - truths: of each picture.
    ///   - firstSample: the place of the first picture in the step's whole batch.
    package func trainingPass(
        _ views: Tensor, _ truths: [DetectionTruth], _ phase: Phase, firstSample: Int = 0
    ) -> TrainingPass {
        precondition(views.size(0) == truths.count, "\(truths.count) truths for views of \(views.shape)")
        let maps = maps(of: views, phase, firstSample: firstSample)
        let outputs = proposals(maps)
        let anchors = AnchorGrid(maps.map(\.grid))
        let anchorTargets = anchorTargets(truths, anchors, phase, firstSample)
        let proposed = anchorTargets.losses(
            logits: Tensor.concatenated(outputs.map(\.logits), dimension: 1).reshaped(to: [-1]),
            deltas: Tensor.concatenated(outputs.map(\.deltas), dimension: 1).reshaped(to: [-1, 4]))

        let chosen = truths.indices.map {
            select(settings.trainingProposals, outputs, anchors, image: $0, truths[$0].height, truths[$0].width)
        }
        let targets = regionTargets(truths, chosen.map { $0.map(\.box) }, phase, firstSample)
        let said = boxes(RegionFeatures.of(targets.regions, in: maps, size: BoxHead.size))
        let found = targets.boxLosses(logits: said.logits, deltas: said.deltas)
        let maskLoss = masks.map { head in
            let regions = targets.positives.map { targets.regions[$0] }
            return targets.maskLoss(logits: head(RegionFeatures.of(regions, in: maps, size: MaskHead.size)))
        }
        return TrainingPass(
            losses: DetectionLosses(
                objectness: proposed.objectness, proposals: proposed.proposals, classes: found.classes,
                boxes: found.boxes, masks: maskLoss),
            proposals: chosen, targets: targets, logits: said.logits, deltas: said.deltas)
    }

    private func anchorTargets(
        _ truths: [DetectionTruth], _ anchors: AnchorGrid, _ phase: Phase, _ firstSample: Int
    ) -> AnchorTargets {
        var targets = AnchorTargets()
        for (image, truth) in truths.enumerated() {
            let own = anchors.anchors(height: padded(truth.height), width: padded(truth.width))
            let parts = BoxAssignment.anchors(own.boxes, objects: truth.boxes)
            var generator = Self.generator(.anchors, phase, sample: firstSample + image)
            let sample = settings.anchorSampling(parts, &generator)
            targets.count += max(sample.positives.count, 1) + max(sample.negatives.count, 1)
            targets.positives += sample.positives.map { image * anchors.count + own.numbers[$0] }
            targets.negatives += sample.negatives.map { image * anchors.count + own.numbers[$0] }
            targets.deltas += sample.positives.map { index in
                guard case .object(let object) = parts[index] else { preconditionFailure("a positive without object") }
                return BoxCoder.proposals.encode(truth.boxes[object], from: own.boxes[index])
            }
        }
        return targets
    }

    private func regionTargets(
        _ truths: [DetectionTruth], _ proposals: [[Box]], _ phase: Phase, _ firstSample: Int
    ) -> RegionTargets {
        var targets = RegionTargets()
        for (image, truth) in truths.enumerated() {
            // Objects stand before the proposals, each as a proposal of its own.
            let candidates = truth.boxes + proposals[image]
            let parts =
                truth.boxes.indices.map { BoxAssignment.Part.object($0) }
                + BoxAssignment.proposals(proposals[image], objects: truth.boxes)
            var generator = Self.generator(.regions, phase, sample: firstSample + image)
            let sample = settings.regionSampling(parts, &generator)
            for index in sample.positives {
                guard case .object(let object) = parts[index] else { preconditionFailure("a positive without object") }
                let box = candidates[index]
                targets.positives.append(targets.regions.count)
                targets.regions.append(RegionFeatures.Region(image: image, box: box))
                targets.labels.append(truth.classes[object])
                targets.objects.append(object)
                targets.deltas.append(BoxCoder.detections.encode(truth.boxes[object], from: box))
            }
            if settings.masks {
                targets.masks += MaskTargets.of(
                    sample.positives.map { candidates[$0] },
                    objects: Array(targets.objects.suffix(sample.positives.count)),
                    in: truth, paddedHeight: padded(truth.height), paddedWidth: padded(truth.width))
            }
            targets.regions += sample.negatives.map { RegionFeatures.Region(image: image, box: candidates[$0]) }
            targets.labels += sample.negatives.map { _ in classCount }
        }
        return targets
    }

    private enum Purpose: UInt64 {
        case anchors = 0x61_6e_63_68_6f_72
        case regions = 0x72_65_67_69_6f_6e
    }

    private static func generator(_ purpose: Purpose, _ phase: Phase, sample: Int) -> KeyedGenerator {
        guard case .training(let seed, let step) = phase else {
            return KeyedGenerator(purpose.rawValue, UInt64(sample))
        }
        return KeyedGenerator(purpose.rawValue, seed, UInt64(step), UInt64(sample))
    }

    private func select(
        _ selection: ProposalSelection, _ outputs: [RegionProposalNetwork.Output], _ anchors: AnchorGrid, image: Int,
        _ height: Int, _ width: Int
    ) -> [ProposalSelection.Proposal] {
        withoutGradients {
            selection(
                logits: outputs.map { $0.logits.selected(image, dimension: 0) },
                deltas: outputs.map { $0.deltas.selected(image, dimension: 0) }, anchors: anchors, height: height,
                width: width)
        }
    }

    // MARK: Using it

    /// An object that was found.
    package struct Detection: Sendable {
        /// In the pixels of the picture as it was before it was resized.
        package let box: Box
        /// From 0.
        package let classIndex: Int
        package let score: Float
        /// `[28, 28]` in 0...1, over the box; nil without a mask head.
        package let mask: [Float]?
    }

    /// The objects of one picture, the surest first.
    ///
    /// - Parameters:
    ///   - view: `[1, channels, height, width]`, normalised and filled up with 0 below and to the right.
    ///   - height: of the picture before it was filled up.
    ///   - width: alike.
    ///   - factors: of the resize, x and y; detections are of the picture before it.
    package func detections(in view: Tensor, height: Int, width: Int, factors: (x: Float, y: Float)) -> [Detection] {
        precondition(view.size(0) == 1, "one picture at a time, not views of \(view.shape)")
        return withoutGradients {
            let maps = maps(of: view, .use)
            let outputs = proposals(maps)
            let regions = select(settings.proposals, outputs, AnchorGrid(maps.map(\.grid)), image: 0, height, width)
                .map(\.box)
            let choices = classified(regions, maps, height, width, factors)
            guard let masks, !choices.isEmpty else {
                return choices.map { Detection(box: $0.box, classIndex: $0.classIndex, score: $0.score, mask: nil) }
            }
            let found = choices.map { RegionFeatures.Region(image: 0, box: $0.box.scaled(x: factors.x, y: factors.y)) }
            let logits = masks(RegionFeatures.of(found, in: maps, size: MaskHead.size))
            let kinds = logits.size(1)
            let places = choices.enumerated().map { $0 * kinds + (kinds > 1 ? $1.classIndex : 0) }
            let size = MaskHead.maskSize * MaskHead.maskSize
            let shares = logits.reshaped(to: [choices.count * kinds, size])
                .rows(Tensor(places, shape: [places.count]).moved(to: logits.device)).sigmoid().floats()
            return choices.enumerated().map { index, choice in
                Detection(
                    box: choice.box, classIndex: choice.classIndex, score: choice.score,
                    mask: Array(shares[index * size..<(index + 1) * size]))
            }
        }
    }

    /// Which regions are detections of which classes, at the picture's own size.
    private func classified(
        _ regions: [Box], _ maps: [Tensor], _ height: Int, _ width: Int, _ factors: (x: Float, y: Float)
    ) -> [DetectionSelection.Choice] {
        guard !regions.isEmpty else { return [] }
        let said = boxes(
            RegionFeatures.of(
                regions.map { RegionFeatures.Region(image: 0, box: $0) }, in: maps, size: BoxHead.size))
        let deltas = said.deltas.reshaped(to: [-1, 4]).deltas()
        let kinds = settings.classAgnostic ? 1 : classCount
        return settings.detections(scores: said.logits.softmax().floats(), classCount: classCount) {
            region, classIndex in
            let box = BoxCoder.detections
                .decode(deltas[region * kinds + (kinds > 1 ? classIndex : 0)], from: regions[region])
                .clipped(height: Float(height), width: Float(width))
            return Box(box.x1 / factors.x, box.y1 / factors.y, box.x2 / factors.x, box.y2 / factors.y)
        }
    }

    // MARK: What it is made of

    /// What is trained: everything behind the backbone, and the backbone unless it is frozen.
    package var parameters: [NamedTensor] {
        (settings.isFrozen ? [] : network.backbone.parameters(of: "backbone")) + headParameters
    }

    private var headParameters: [NamedTensor] {
        levels.parameters(of: "levels") + pyramid.parameters(of: "pyramid") + proposals.parameters(of: "proposals")
            + boxes.parameters(of: "boxes") + (masks?.parameters(of: "masks") ?? [])
    }

    package var buffers: [NamedTensor] { levels.buffers(of: "levels") }

    /// Everything that is needed to use it: a frozen backbone's parameters as well.
    package var state: [NamedTensor] { network.backbone.parameters(of: "backbone") + headParameters + buffers }
}
