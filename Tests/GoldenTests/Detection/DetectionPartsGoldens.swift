import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

/// Anchors, boxes, targets, losses and choices of a detector against mmdetection's own.
@Suite struct DetectionPartsGoldens {
    private static let folders = Goldens.folders(.detection)

    private func close(_ ours: Tensor, _ theirs: Tensor, _ tolerance: Double, _ label: String) {
        #expect(ours.shape == theirs.shape, "\(label): \(ours.shape) for \(theirs.shape)")
        guard theirs.count > 0, ours.shape == theirs.shape else { return }
        let difference = largestDifference(ours, theirs)
        #expect(difference <= tolerance * largest(theirs), "\(label): \(difference) of \(largest(theirs))")
    }

    private func deltas(_ tensor: Tensor) -> [SIMD4<Float>] {
        tensor.boxes().map { SIMD4($0.x1, $0.y1, $0.x2, $0.y2) }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func anchors(folder: Goldens.Folder) throws {
        let golden = try DetectionParts(folder)
        for item in try golden.cases("anchors") {
            #expect(try item.numbers("strides") == AnchorGrid.strides.map(Double.init))
            guard let sizes = item.settings["sizes"]?.array else {
                for (stride, theirs) in zip(AnchorGrid.strides, item.levels("level")) {
                    close(Tensor(AnchorGrid.shapes(stride: stride)), theirs, 0, "\(item.name), stride \(stride)")
                }
                continue
            }
            let grid = AnchorGrid(
                sizes.map { Grid(rows: $0.array?.first?.int ?? 0, columns: $0.array?.last?.int ?? 0) })
            let levels = item.levels("level")
            if let padded = item.settings["padded_image"]?.array {
                let own = grid.anchors(height: padded.first?.int ?? 0, width: padded.last?.int ?? 0)
                let valid = levels.flatMap { $0.booleans() }
                #expect(own.numbers == valid.indices.filter { valid[$0] }, "\(item.name)")
            } else {
                let height = grid.grids[0].rows * AnchorGrid.strides[0]
                let all = grid.anchors(height: height, width: grid.grids[0].columns * AnchorGrid.strides[0])
                close(Tensor(all.boxes), .concatenated(levels), 0, item.name)
                for (level, theirs) in levels.enumerated() {
                    let ours = (0..<theirs.size(0)).map { grid.anchor($0, level: level) }
                    #expect(ours == theirs.boxes())
                }
            }
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func boxes(folder: Goldens.Folder) throws {
        let golden = try DetectionParts(folder)
        let tolerance = golden.tolerances.coordinates.relative_to_largest
        for item in try golden.cases("boxes") {
            let boxes = try item.tensor("boxes").boxes()
            if let others = item.tensors["others"]?.boxes() {
                let ours = boxes.flatMap { box in others.map { box.overlap($0) } }
                close(
                    Tensor(ours, shape: [boxes.count, others.count]), try item.tensor("iou"),
                    golden.tolerances.values.relative_to_largest, item.name)
                continue
            }
            let numbers = try item.numbers("deviations").map(Float.init)
            let coder = BoxCoder(deviations: SIMD4(numbers[0], numbers[1], numbers[2], numbers[3]))
            let given = try item.tensor("deltas")
            if let targets = item.tensors["targets"]?.boxes() {
                let ours = zip(targets, boxes).map { coder.encode($0, from: $1) }
                close(
                    Tensor(ours.flatMap { [$0.x, $0.y, $0.z, $0.w] }, shape: given.shape), given, tolerance, item.name)
                continue
            }
            let kinds = given.size(1) / 4
            let image = try item.numbers("image").map(Float.init)
            let free = deltas(given.reshaped(to: [-1, 4])).enumerated().map {
                coder.decode($1, from: boxes[$0 / kinds])
            }
            let decoded = free.map { $0.clipped(height: image[0], width: image[1]) }
            close(Tensor(decoded).reshaped(to: given.shape), try item.tensor("decoded"), tolerance, item.name)
            if let theirs = item.tensors["unclipped"] {
                close(Tensor(free), theirs, tolerance, item.name + " unclipped")
            }
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func assignment(folder: Goldens.Folder) throws {
        for item in try DetectionParts(folder).cases("assignment") {
            func bound(_ name: String) throws -> Float { Float(try item.number(name)) }
            let rule = BoxAssignment(
                positive: try bound("positive"), negative: try bound("negative"), low: try bound("low_quality"))
            let (boxes, objects) = (try item.tensor("boxes").boxes(), try item.tensor("truths").boxes())
            let ours = rule(boxes, objects: objects).map { part in
                switch part {
                case .leftOut: -1
                case .background: 0
                case .object(let object): object + 1
                }
            }
            #expect(ours == (try item.tensor("assigned").integers()), "\(item.name)")
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func levels(folder: Goldens.Folder) throws {
        for item in try DetectionParts(folder).cases("levels") {
            let boxes = try item.tensor("rois").narrowed(to: 1..<5, dimension: 1).boxes()
            #expect(boxes.map(RegionFeatures.level) == (try item.tensor("levels").integers()), "\(item.name)")
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func losses(folder: Goldens.Folder) throws {
        let golden = try DetectionParts(folder)
        let tolerance = golden.tolerances.values.relative_to_largest
        for item in try golden.cases("losses") {
            if item.tensors["is_object"] != nil {
                try compareAnchorLosses(item, tolerance)
            } else if item.tensors["deltas"] != nil || item.tensors["class_loss"] != nil {
                try compareBoxLosses(item, tolerance)
            } else {
                try compareMaskLoss(item, tolerance)
            }
        }
    }

    private func learning(_ tensor: Tensor, _ shape: [Int]) -> Tensor {
        let tensor = tensor.reshaped(to: shape).clone()
        tensor.requiresGradient = true
        return tensor
    }

    private func compareAnchorLosses(_ item: DetectionParts.Case, _ tolerance: Double) throws {
        let (isObject, sampled) = (try item.tensor("is_object").integers(), try item.tensor("sampled").integers())
        let wanted = deltas(try item.tensor("targets"))
        var targets = AnchorTargets()
        targets.positives = isObject.indices.filter { isObject[$0] == 1 && sampled[$0] != 0 }
        targets.negatives = isObject.indices.filter { isObject[$0] == 0 && sampled[$0] != 0 }
        targets.deltas = targets.positives.map { wanted[$0] }
        targets.count = Int(try item.number("samples"))
        let logits = learning(try item.tensor("logits"), [isObject.count])
        let shifts = learning(try item.tensor("deltas"), [isObject.count, 4])
        let losses = targets.losses(logits: logits, deltas: shifts)
        close(losses.objectness, try item.tensor("class_loss"), tolerance, "objectness")
        close(losses.proposals, try item.tensor("box_loss"), tolerance, "proposals")
        (losses.objectness + losses.proposals).backward()
        let expected = try item.tensor("logits_gradient").reshaped(to: [isObject.count])
        close(try #require(logits.gradient), expected, tolerance, "objectness, gradient")
        close(try #require(shifts.gradient), try item.tensor("deltas_gradient"), tolerance, "proposals, gradient")
    }

    private func compareBoxLosses(_ item: DetectionParts.Case, _ tolerance: Double) throws {
        let classCount = Int(try item.number("classes"))
        var targets = RegionTargets()
        targets.labels = try item.tensor("labels").integers()
        targets.regions = targets.labels.map { _ in RegionFeatures.Region(image: 0, box: Box(0, 0, 1, 1)) }
        targets.positives = targets.labels.indices.filter { targets.labels[$0] < classCount }
        if let wanted = item.tensors["targets"].map(deltas) { targets.deltas = targets.positives.map { wanted[$0] } }
        let count = targets.labels.count
        let given = item.tensors["deltas"] ?? .zeros([count, 4 * classCount])
        let logits = learning(try item.tensor("scores"), [count, classCount + 1])
        let shifts = learning(given, given.shape)
        let losses = targets.boxLosses(logits: logits, deltas: shifts)
        close(losses.classes, try item.tensor("class_loss"), tolerance, item.name)
        if let theirs = item.tensors["box_loss"] { close(losses.boxes, theirs, tolerance, item.name) }
        if let none = item.settings["box_loss"]?.double { #expect(losses.boxes.item() == none) }
        guard item.tensors["scores_gradient"] != nil else { return }
        (losses.classes + losses.boxes).backward()
        close(try #require(logits.gradient), try item.tensor("scores_gradient"), tolerance, "scores, gradient")
        close(try #require(shifts.gradient), try item.tensor("deltas_gradient"), tolerance, "deltas, gradient")
    }

    private func compareMaskLoss(_ item: DetectionParts.Case, _ tolerance: Double) throws {
        var targets = RegionTargets()
        targets.labels = try item.tensor("labels").integers()
        targets.positives = Array(targets.labels.indices)
        targets.masks = try item.tensor("targets").floats()
        let given = try item.tensor("logits")
        let logits = learning(given, given.shape)
        let loss = targets.maskLoss(logits: logits)
        close(loss.reshaped(to: [1]), try item.tensor("loss").reshaped(to: [1]), tolerance, "mask loss")
        loss.backward()
        close(try #require(logits.gradient), try item.tensor("gradient"), tolerance, "mask loss, gradient")
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func maskTargets(folder: Goldens.Folder) throws {
        for item in try DetectionParts(folder).cases("mask_targets") {
            let masks = try item.tensor("masks")
            let (height, width) = (masks.size(1), masks.size(2))
            let (theirs, unsure) = (try item.tensor("targets").bytes(), try item.tensor("unsure").bytes())
            let count = masks.size(0)
            let truth = DetectionTruth(
                height: height, width: width, boxes: Array(repeating: Box(0, 0, 1, 1), count: count),
                classes: Array(repeating: 0, count: count),
                masks: (0..<count).map { masks.selected($0, dimension: 0).bytes() })
            let ours = MaskTargets.of(
                try item.tensor("boxes").boxes(), objects: try item.tensor("which").integers(), in: truth,
                paddedHeight: height, paddedWidth: width)
            #expect(ours.count == theirs.count)
            let wrong = ours.indices.filter { unsure[$0] == 0 && ours[$0] != Float(theirs[$0]) }
            #expect(wrong.isEmpty, "\(wrong.count) of \(ours.count) pixels")
            #expect(ours.contains(1) && ours.contains(0))
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func pasting(folder: Goldens.Folder) throws {
        for item in try DetectionParts(folder).cases("paste") {
            let image = try item.numbers("image").map { Int($0) }
            let (masks, boxes) = (try item.tensor("masks"), try item.tensor("boxes").boxes())
            let (theirs, unsure) = (try item.tensor("pasted").bytes(), try item.tensor("unsure").bytes())
            let size = masks.size(1)
            var ours: [UInt8] = []
            for (number, box) in boxes.enumerated() {
                let mask = masks.selected(number, dimension: 0).floats()
                ours += PastedMask(mask, size: size, in: box, height: image[0], width: image[1])
                    .bitmap(height: image[0], width: image[1])
            }
            let wrong = ours.indices.filter { unsure[$0] == 0 && ours[$0] != theirs[$0] }
            #expect(wrong.isEmpty, "\(wrong.count) of \(ours.count) pixels")
            #expect(ours.contains(1))
        }
    }

    @Test(.requires(Goldens.of(.detection)), arguments: folders)
    func selection(folder: Goldens.Folder) throws {
        let golden = try DetectionParts(folder)
        let tolerance = golden.tolerances.coordinates.relative_to_largest
        for item in try golden.cases("selection") {
            if let theirs = item.tensors["proposals"] {
                var rule = ProposalSelection(
                    before: Int(try item.number("before_nms")), after: Int(try item.number("after_nms")))
                rule.overlap = try item.number("threshold")
                let image = try item.numbers("image").map { Int($0) }
                let logits = item.levels("logits")
                let ours = rule(
                    logits: logits.map { $0.permuted([1, 2, 0]).reshaped(to: [-1]) },
                    deltas: item.levels("deltas").map { $0.permuted([1, 2, 0]).reshaped(to: [-1, 4]) },
                    anchors: AnchorGrid(logits.map { Grid(rows: $0.size(1), columns: $0.size(2)) }), height: image[0],
                    width: image[1])
                let table = ours.flatMap { [$0.box.x1, $0.box.y1, $0.box.x2, $0.box.y2, $0.score] }
                close(Tensor(table, shape: [ours.count, 5]), theirs, tolerance, item.name)
            } else {
                try compareDetections(item, tolerance)
            }
        }
    }

    private func compareDetections(_ item: DetectionParts.Case, _ tolerance: Double) throws {
        let rule = DetectionSelection(
            score: Float(try item.number("score")), overlap: try item.number("threshold"),
            most: Int(try item.number("most")))
        let scores = try item.tensor("scores")
        let classCount = scores.size(1) - 1
        let boxes = try item.tensor("boxes").reshaped(to: [-1, 4]).boxes()
        let ours = rule(scores: scores.floats(), classCount: classCount) { boxes[$0 * classCount + $1] }
        #expect(ours.map(\.classIndex) == (try item.tensor("labels").integers()), "\(item.name)")
        #expect(ours.map { $0.index * classCount + $0.classIndex } == (try item.tensor("rows").integers()))
        let table = ours.flatMap { [$0.box.x1, $0.box.y1, $0.box.x2, $0.box.y2, $0.score] }
        close(Tensor(table, shape: [ours.count, 5]), try item.tensor("detections"), tolerance, item.name)
    }
}
