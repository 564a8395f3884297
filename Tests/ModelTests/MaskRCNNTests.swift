import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import Testing

/// The parts of a detector together, beside what the goldens fix.
@Suite struct MaskRCNNTests {
    private static func detector(
        patchSize: Int = 8, _ change: (inout MaskRCNNSettings) -> Void = { _ in }
    ) throws -> MaskRCNN {
        let architecture = Architecture(
            width: 12, depth: 4, heads: 2, patchSize: patchSize, positionGrid: Grid(rows: 4, columns: 4))
        var settings = MaskRCNNSettings()
        (settings.channels, settings.hiddenWidth, settings.dropPath) = (8, 16, 0)
        (settings.anchors, settings.regions) = (32, 16)
        settings.trainingProposals = ProposalSelection(before: 30, after: 20)
        settings.proposals = ProposalSelection(before: 30, after: 20)
        settings.detections.score = 0
        change(&settings)
        try settings.validate(architecture)
        return MaskRCNN(
            Network(architecture, heads: nil, seed: 3, device: .cpu), settings, classCount: 3, seed: 4)
    }

    private static func truth(height: Int = 64, width: Int = 96) -> DetectionTruth {
        func mask(_ rows: Range<Int>, _ columns: Range<Int>) -> [UInt8] {
            (0..<height * width).map { rows.contains($0 / width) && columns.contains($0 % width) ? 1 : 0 }
        }
        return DetectionTruth(
            height: height, width: width, boxes: [Box(8, 8, 40, 40), Box(50, 20, 90, 60)], classes: [0, 2],
            masks: [mask(8..<40, 8..<40), mask(20..<60, 50..<90)])
    }

    private static func views(_ count: Int = 1, height: Int = 64, width: Int = 96) -> Tensor {
        Tensor.normal([count, 3, height, width], using: Generator(seed: 8))
    }

    @Test(arguments: [false, true], [8, 16, 14])
    func everyParameterLearns(classAgnostic: Bool, patchSize: Int) throws {
        let detector = try Self.detector(patchSize: patchSize) { $0.classAgnostic = classAgnostic }
        let (height, width) = (detector.padded(64), detector.padded(96))
        for parameter in detector.parameters { parameter.tensor.requiresGradient = true }
        let pass = detector.trainingPass(
            Self.views(height: height, width: width), [Self.truth()], .training(seed: 1, step: 2))
        #expect(pass.losses.terms.map(\.name) == ["objectness", "proposals", "classes", "boxes", "masks"])
        pass.losses.sum.backward()
        for parameter in detector.parameters {
            let gradient = try #require(parameter.tensor.gradient, "\(parameter.name)")
            #expect(gradient.isFinite, "\(parameter.name)")
        }
        #expect(pass.logits.shape == [pass.targets.regions.count, 4])
        #expect(pass.deltas.size(1) == (classAgnostic ? 4 : 12))
    }

    @Test func aStepIsDecidedBySeedAndStep() throws {
        let detector = try Self.detector()
        func regions(_ step: Int, firstSample: Int = 0) -> [RegionFeatures.Region] {
            detector.trainingPass(
                Self.views(), [Self.truth()], .training(seed: 1, step: step), firstSample: firstSample
            ).targets.regions
        }
        #expect(regions(2) == regions(2))
        #expect(regions(2) != regions(3))
        #expect(regions(2) != regions(2, firstSample: 1))
    }

    @Test func aPictureWithoutObjectsIsBackgroundAlone() throws {
        let detector = try Self.detector()
        for parameter in detector.parameters { parameter.tensor.requiresGradient = true }
        let empty = DetectionTruth(height: 64, width: 96, boxes: [], classes: [], masks: [])
        let pass = detector.trainingPass(Self.views(), [empty], .training(seed: 1, step: 0))
        #expect(pass.targets.positives.isEmpty && pass.targets.labels.allSatisfy { $0 == 3 })
        let terms = Dictionary(uniqueKeysWithValues: pass.losses.terms.map { ($0.name, $0.value.item()) })
        #expect(terms["proposals"] == 0 && terms["boxes"] == 0 && terms["masks"] == 0)
        #expect((terms["objectness"] ?? 0) > 0 && (terms["classes"] ?? 0) > 0)
        pass.losses.sum.backward()
        #expect(detector.parameters.allSatisfy { $0.tensor.gradient?.isFinite ?? true })
    }

    @Test func aFrozenBackboneGetsNoGradient() throws {
        let detector = try Self.detector { $0.isFrozen = true }
        #expect(!detector.parameters.contains { $0.name.hasPrefix("backbone.") })
        for parameter in detector.parameters { parameter.tensor.requiresGradient = true }
        detector.trainingPass(Self.views(), [Self.truth()], .training(seed: 1, step: 0)).losses.sum.backward()
        #expect(detector.network.parameters.allSatisfy { $0.tensor.gradient == nil })
        #expect(detector.state.contains { $0.name == "backbone.pos_embed" })
    }

    @Test func findingsAreOfThePictureBeforeResizing() throws {
        let detector = try Self.detector()
        let found = detector.detections(in: Self.views(), height: 60, width: 90, factors: (2, 1.5))
        #expect(!found.isEmpty && found.count <= 100)
        for (one, next) in zip(found, found.dropFirst()) { #expect(one.score >= next.score) }
        for detection in found {
            #expect(detection.box.x1 >= 0 && detection.box.x2 <= 45 && detection.box.y1 >= 0 && detection.box.y2 <= 40)
            #expect((0..<3).contains(detection.classIndex) && detection.mask?.count == 28 * 28)
            #expect(detection.mask?.allSatisfy { (0...1).contains($0) } == true)
        }
        let boxesAlone = try Self.detector { $0.masks = false }
        let other = boxesAlone.detections(in: Self.views(), height: 60, width: 90, factors: (2, 1.5))
        #expect(!other.isEmpty && other.allSatisfy { $0.mask == nil })
    }

    @Test func regionsComeInTheirOwnOrder() {
        let maps = AnchorGrid.strides.map { stride in
            Tensor.normal([2, 5, 512 / stride, 512 / stride], using: Generator(seed: UInt64(stride)))
        }
        var generator = KeyedGenerator(2)
        let regions = (0..<40).map { number -> RegionFeatures.Region in
            let side = Float(generator.uniform(10, 500))
            let (x, y) = (Float(generator.uniform(0, 512)) - side / 2, Float(generator.uniform(0, 512)) - side / 2)
            return RegionFeatures.Region(image: number % 2, box: Box(x, y, x + side, y + side))
        }
        #expect(Set(regions.map { RegionFeatures.level(of: $0.box) }).count == 4)
        let together = RegionFeatures.of(regions, in: maps, size: 7)
        for (number, region) in regions.enumerated() {
            let alone = RegionFeatures.of([region], in: maps, size: 7)
            #expect(alone.floats() == together.narrowed(to: number..<number + 1, dimension: 0).floats())
        }
        #expect(RegionFeatures.of([], in: maps, size: 7).shape == [0, 5, 7, 7])
    }

    /// A mask that fills its box is learnt as full, and pasted back where it was.
    @Test func masksGoThereAndBack() {
        let (height, width) = (64, 80)
        let box = Box(11, 7, 51, 47)
        let mask = (0..<height * width).map { place -> UInt8 in
            let (row, column) = (Double(place / width) + 0.5 - 27, Double(place % width) + 0.5 - 31)
            return row * row + column * column <= 400 ? 1 : 0
        }
        let truth = DetectionTruth(height: height, width: width, boxes: [box], classes: [0], masks: [mask])
        let target = MaskTargets.of([box], objects: [0], in: truth, paddedHeight: height, paddedWidth: 96)
        let back = PastedMask(target, in: box, height: height, width: width).bitmap(height: height, width: width)
        let wrong = zip(mask, back).count { $0 != $1 }
        #expect(wrong < 60, "\(wrong) of 1,256 pixels; the circle's border has about 126")
        let none = PastedMask(target, in: Box(5, 5, 5, 9), height: height, width: width)
        #expect(none.bits.isEmpty)
    }

    /// Blocks within windows see nothing of other windows; one window over all is no window.
    @Test func windowsAttendToThemselves() {
        let network = Network(
            Architecture(width: 12, depth: 3, heads: 2, patchSize: 8, positionGrid: Grid(rows: 7, columns: 10)),
            heads: nil,
            seed: 3, device: .cpu)
        let views = Self.views(height: 56, width: 80)
        func patches(_ views: Tensor, window: Int, _ levels: [Int]) -> [[Float]] {
            network.backbone.levels(levels, of: views, window: window).map { $0.floats() }
        }
        // Filled up to a square of 10 x 10, it attends to 30 tokens of nothing as well.
        #expect(patches(views, window: 0, [2]) != patches(views, window: 10, [2]))
        #expect(patches(views, window: 0, [0, 1, 2]) == patches(views, window: 3, [0, 1, 2]))
        let square = Self.views(height: 80, width: 80)
        let (whole, one) = (patches(square, window: 0, [2])[0], patches(square, window: 10, [2])[0])
        #expect(zip(whole, one).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func windowsHoldTheirPatches() {
        let windows = AttentionWindows(side: 3, grid: Grid(rows: 4, columns: 5))
        let tokens = (Tensor.range(40, type: .float32) + 1).reshaped(to: [2, 20, 1])
        let parted = windows.parted(tokens)
        #expect(parted.shape == [8, 9, 1])
        // The second square of the first picture: columns 3 and 4, and one of nothing.
        #expect(parted.narrowed(to: 1..<2, dimension: 0).floats() == [4, 5, 0, 9, 10, 0, 14, 15, 0])
        #expect(parted.narrowed(to: 7..<8, dimension: 0).floats() == [39, 40, 0, 0, 0, 0, 0, 0, 0])
        #expect(windows.joined(parted).floats() == tokens.floats())
    }

    @Test func otherHeadsAttendOtherwise() {
        let network = Network(
            Architecture(width: 12, depth: 2, heads: 2, patchSize: 8, positionGrid: Grid(rows: 8, columns: 8)),
            heads: nil,
            seed: 3, device: .cpu)
        let views = Self.views(height: 64, width: 64)
        let (same, other) = (network.backboneCopy(heads: 2), network.backboneCopy(heads: 3))
        let patches = network.features(of: views).patches.floats()
        #expect(same.features(of: views).patches.floats() == patches)
        #expect(other.features(of: views).patches.floats() != patches)
        #expect(other.architecture.heads == 3)
    }

    @Test func whatABackboneCannotGiveIsRefused() {
        func refuses(_ change: (inout MaskRCNNSettings) -> Void) -> Bool {
            var settings = MaskRCNNSettings()
            change(&settings)
            return (try? settings.validate(Architecture(width: 6, depth: 4, heads: 1))) == nil
        }
        #expect(!refuses { _ in })
        #expect(refuses { $0.blocks = [1, 2, 3, 5] })
        #expect(refuses { $0.blocks = [1, 2, 3] })
        #expect(refuses { $0.blocks = [4, 3, 2, 1] })
        #expect(refuses { $0.channels = 0 })
        #expect(refuses { $0.proposals.after = 0 })
        #expect(refuses { $0.detections.overlap = 1.5 })
        #expect(refuses { $0.dropPath = 1 })
        #expect(refuses { $0.heads = 4 })
    }
}

extension DetectionLosses {
    /// What is learnt from.
    fileprivate var sum: Tensor { terms.dropFirst().reduce(terms[0].value) { $0 + $1.value } }
}
