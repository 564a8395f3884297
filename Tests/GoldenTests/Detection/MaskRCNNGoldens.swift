import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

/// A whole, tiny Mask R-CNN: its training pass with all gradients, and what it finds, against the authors' configuration in
/// mmdetection.
@Suite struct MaskRCNNGoldens {
    struct Case: Decodable {
        struct Model: Decodable {
            let patch_size, image_size_of_positions, width, heads, depth, mlp_ratio: Int
            let out_indices: [Int]
            let norm_epsilon, drop_path: Double
            let pyramid_channels, hidden, classes: Int
        }
        struct Image: Decodable {
            let shape, padded, original: [Int]
            let factors: [Float]
        }
        struct Tolerances: Decodable {
            let forward, terms, gradients, gradient_floor: Double
            let mask_pixels: Int
        }
        struct Train: Decodable {
            let proposals_before_nms, proposals_after_nms: Int
            let sampler: String
            let terms: [String: Double]
        }
        struct Test: Decodable {
            struct Result: Decodable {
                let original, labels: [Int]
                let scores: [Double]
                let masks: [String]
            }
            let proposals_before_nms, proposals_after_nms, most: Int
            let score: Float
            let nms: Double
            let results: [Result]
        }
        let model: Model
        let images: [Image]
        let tolerances: Tolerances
        let train: Train
        let test: Test
    }

    private struct Golden {
        let numbers: Case
        let inputs: [String: Tensor]
        let expected: [String: Tensor]
        let detector: MaskRCNN

        init(_ folder: Goldens.Folder) throws {
            func tensors(_ name: String) throws -> [String: Tensor] {
                try SafetensorsFile(path: folder.file("\(name).safetensors")).tensors()
            }
            let numbers = try folder.decode(Case.self, from: "case.json")
            self.numbers = numbers
            (inputs, expected) = (try tensors("inputs"), try tensors("expected"))
            let model = numbers.model
            let side = model.image_size_of_positions / model.patch_size
            let architecture = Architecture(
                width: model.width, depth: model.depth, heads: model.heads, hiddenWidth: model.mlp_ratio * model.width,
                patchSize: model.patch_size, positionGrid: Grid(rows: side, columns: side),
                normEpsilon: model.norm_epsilon)
            var settings = MaskRCNNSettings()
            settings.blocks = model.out_indices.map { $0 + 1 }
            settings.channels = model.pyramid_channels
            settings.hiddenWidth = model.hidden
            settings.dropPath = model.drop_path
            settings.trainingProposals = ProposalSelection(
                before: numbers.train.proposals_before_nms, after: numbers.train.proposals_after_nms)
            settings.proposals = ProposalSelection(
                before: numbers.test.proposals_before_nms, after: numbers.test.proposals_after_nms)
            settings.detections = DetectionSelection(
                score: numbers.test.score, overlap: numbers.test.nms, most: numbers.test.most)
            #expect(numbers.train.sampler == "all")
            (settings.anchors, settings.regions) = (0, 0)
            try settings.validate(architecture)
            let network = Network(architecture, heads: nil, seed: 0, device: .cpu)
            detector = MaskRCNN(network, settings, classCount: model.classes, seed: 0)
            var weights = try tensors("weights")
            for parameter in detector.state {
                let name = MMDetectionNames.name(of: parameter.name)
                let found = weights.removeValue(forKey: name)
                let theirs = try #require(found, "no \(name) for \(parameter.name)")
                #expect(theirs.shape == parameter.tensor.shape, "\(name)")
                parameter.tensor.copy(from: theirs)
            }
            #expect(weights.isEmpty, "left: \(weights.keys.sorted())")
        }

        func expected(_ name: String) throws -> Tensor {
            try #require(expected[name], "expected.safetensors lacks \(name)")
        }

        func truths() throws -> [DetectionTruth] {
            try numbers.images.enumerated().map { index, image in
                let masks = try #require(inputs["masks.\(index)"])
                return DetectionTruth(
                    height: image.shape[0], width: image.shape[1],
                    boxes: try #require(inputs["boxes.\(index)"]).boxes(),
                    classes: try #require(inputs["labels.\(index)"]).integers(),
                    masks: (0..<masks.size(0)).map { masks.selected($0, dimension: 0).bytes() })
            }
        }
    }

    private func close(_ ours: Tensor, _ theirs: Tensor, _ tolerance: Double, _ label: String) {
        #expect(ours.shape == theirs.shape, "\(label): \(ours.shape) for \(theirs.shape)")
        guard ours.shape == theirs.shape else { return }
        let difference = largestDifference(ours, theirs)
        #expect(difference <= tolerance * largest(theirs), "\(label): \(difference) of \(largest(theirs))")
    }

    private func table(_ rows: [(Box, Float)]) -> Tensor {
        Tensor(rows.flatMap { [$0.0.x1, $0.0.y1, $0.0.x2, $0.0.y2, $0.1] }, shape: [rows.count, 5])
    }

    @Test(.requires(Goldens.of(.detectionModel)), arguments: Goldens.folders(.detectionModel))
    func training(folder: Goldens.Folder) throws {
        let golden = try Golden(folder)
        let (detector, tolerances, terms) = (golden.detector, golden.numbers.tolerances, golden.numbers.train.terms)
        for parameter in detector.parameters { parameter.tensor.requiresGradient = true }
        let views = try #require(golden.inputs["images"])
        let pass = detector.trainingPass(views, try golden.truths(), .training(seed: 0, step: 0))

        for (name, ours) in [
            ("loss_rpn_cls", pass.losses.objectness), ("loss_rpn_bbox", pass.losses.proposals),
            ("loss_cls", pass.losses.classes), ("loss_bbox", pass.losses.boxes),
            ("loss_mask", try #require(pass.losses.masks)), ("loss", pass.losses.sum),
        ] {
            let theirs = try #require(terms[name])
            #expect(
                abs(ours.item() - theirs) <= tolerances.terms * abs(theirs), "\(name): \(ours.item()), not \(theirs)")
        }
        let regions = pass.targets.regions
        for image in golden.numbers.images.indices {
            let proposals = table(pass.proposals[image].map { ($0.box, $0.score) })
            close(proposals, try golden.expected("train.proposals.\(image)"), tolerances.forward, "proposals.\(image)")
            let own = regions.indices.filter { regions[$0].image == image }
            close(
                Tensor(own.map { regions[$0].box }), try golden.expected("train.rois.\(image)"), tolerances.forward,
                "rois.\(image)")
            #expect(own.map { pass.targets.labels[$0] } == (try golden.expected("train.labels.\(image)").integers()))
            let objects = zip(pass.targets.positives, pass.targets.objects).filter { regions[$0.0].image == image }
            #expect(objects.map(\.1) == (try golden.expected("train.assigned.\(image)").integers()))
        }
        close(pass.logits, try golden.expected("train.scores"), tolerances.forward, "scores")
        close(pass.deltas, try golden.expected("train.deltas"), tolerances.forward, "deltas")
        let masks = try golden.expected("train.mask_targets").floats()
        #expect(masks.count == pass.targets.masks.count)
        #expect(zip(masks, pass.targets.masks).allSatisfy { $0 == $1 }, "mask targets")
        for buffer in detector.buffers {
            let name = "train.statistics." + MMDetectionNames.name(of: buffer.name)
            close(buffer.tensor, try golden.expected(name), tolerances.forward, name)
        }

        pass.losses.sum.backward()
        let gradients = try SafetensorsFile(path: folder.file("gradients.safetensors")).tensors()
        let floor = tolerances.gradient_floor * (gradients.values.map(largest).max() ?? 0)
        for parameter in detector.parameters {
            let name = MMDetectionNames.name(of: parameter.name)
            let (ours, theirs) = (try #require(parameter.tensor.gradient, "\(name)"), try #require(gradients[name]))
            let difference = largestDifference(ours, theirs)
            let bound = tolerances.gradients * max(largest(theirs), floor)
            #expect(difference <= bound, "gradient of \(name): \(difference) of \(largest(theirs))")
        }
        #expect(gradients.count == detector.parameters.count)
    }

    @Test(.requires(Goldens.of(.detectionModel)), arguments: Goldens.folders(.detectionModel))
    func use(folder: Goldens.Folder) throws {
        let golden = try Golden(folder)
        let (detector, tolerances) = (golden.detector, golden.numbers.tolerances)
        for (index, image) in golden.numbers.images.enumerated() {
            let view = try #require(golden.inputs["images"]).narrowed(to: index..<index + 1, dimension: 0)
                .narrowed(to: 0..<image.padded[0], dimension: 2).narrowed(to: 0..<image.padded[1], dimension: 3)
                .contiguous()
            if index == 0 {
                for (level, map) in withoutGradients({ detector.maps(of: view, .use) }).enumerated() {
                    close(map, try golden.expected("test.pyramid\(level)"), tolerances.forward, "pyramid\(level)")
                }
            }
            let found = detector.detections(
                in: view, height: image.shape[0], width: image.shape[1], factors: (image.factors[0], image.factors[1]))
            let result = golden.numbers.test.results[index]
            #expect(found.map(\.classIndex) == result.labels)
            let detections = table(found.map { ($0.box, $0.score) })
            close(
                detections, try golden.expected("test.detections.\(index)"), tolerances.forward, "detections.\(index)")
            for (number, (ours, theirs)) in zip(found, result.masks).enumerated() {
                let (height, width) = (image.original[0], image.original[1])
                let bitmap = PastedMask(try #require(ours.mask), in: ours.box, height: height, width: width)
                    .bitmap(height: height, width: width)
                let expected = try RunLengthMask(height: height, width: width, text: Array(theirs.utf8)).bitmap
                let wrong = zip(bitmap, expected).reduce(0) { $0 + ($1.0 == $1.1 ? 0 : 1) }
                #expect(wrong <= tolerances.mask_pixels, "mask \(number) of picture \(index): \(wrong) pixels")
            }
        }
    }
}

extension DetectionLosses {
    /// What is learnt from.
    fileprivate var sum: Tensor { terms.dropFirst().reduce(terms[0].value) { $0 + $1.value } }
}
