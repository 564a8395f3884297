import Foundation
import SelfPatchFormats

/// Turns a list of results into detections, a block at a time.
struct ResultCollector {
    private(set) var detections: [Detection] = []
    private let data: DetectionData
    private let threads: Int
    private let images: [Int: Int]
    private let classes: [Int: Int]
    private var problems = DataProblems()
    private var strangeImages: [Int: Int] = [:]
    private var strangeClasses: [Int: Int] = [:]
    /// Whether the first result has a box, and a mask.
    private var fields: (box: Bool, mask: Bool)?
    private var count = 0

    private static let mostProblems = 1_000
    private static let blockSize = 16_384

    /// A result whose mask is not made yet.
    private struct Pending: Sendable {
        let number: Int
        let image: Int
        let classIndex: Int
        let score: Double
        let box: DetectionBox?
        let shape: MaskRecord
    }

    private struct Fault: Error {
        let sentence: String
    }

    init(_ data: DetectionData, threads: Int) {
        self.data = data
        self.threads = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        images = Dictionary(uniqueKeysWithValues: data.images.enumerated().map { ($1.id, $0) })
        classes = Dictionary(uniqueKeysWithValues: data.classes.enumerated().map { ($1.id, $0) })
    }

    mutating func read(_ json: inout JSONReader) throws {
        guard try json.kind() == .array else {
            throw json.failure("a list of results is expected; an object may be one of annotations")
        }
        var block: [Pending] = []
        try json.array { json in
            count += 1
            guard problems.sentences.count < Self.mostProblems else { return try json.skip() }
            let start = json
            do {
                if let result = try pending(&json) { block.append(result) }
            } catch let error as UserError {
                json = start
                try json.skip()
                problems.add("result \(count): \(json.sentence(of: error))")
            } catch let fault as Fault {
                problems.add("result \(count) \(fault.sentence)")
            }
            if block.count == Self.blockSize {
                finish(block)
                block.removeAll(keepingCapacity: true)
            }
        }
        finish(block)
    }

    /// Reads a result; nil where its image or class is none of the data's, which is counted.
    private mutating func pending(_ json: inout JSONReader) throws -> Pending? {
        var (image, category, score) = (Int?.none, Int?.none, Double?.none)
        var (box, shape) = ([Double](), MaskRecord.none)
        try json.object { json, key in
            switch key {
            case "image_id": image = try json.integer()
            case "category_id": category = try json.integer()
            case "score": score = try json.number()
            case "bbox": try json.array { box.append(try $0.number()) }
            case "segmentation": shape = try MaskRecord(&json)
            default: try json.skip()
            }
        }
        for (name, isThere) in [
            ("image_id", image != nil), ("category_id", category != nil), ("score", score != nil),
        ] where !isThere {
            throw Fault(sentence: "has no \(name)")
        }
        guard let image, let category, let score else { return nil }
        guard !score.isNaN else { throw Fault(sentence: "of image \(image) has the score NaN, which has no order") }
        let bounds = DetectionBox(box)
        guard box.isEmpty || bounds != nil else {
            throw Fault(
                sentence: "of image \(image) has the bbox \(box); four numbers x, y, width, height are expected")
        }
        let hasMask = if case .none = shape { false } else { true }
        let fields = self.fields ?? (!box.isEmpty, hasMask)
        self.fields = fields
        guard fields.box || fields.mask else { throw Fault(sentence: "has neither bbox nor segmentation") }
        for (name, wanted, found) in [("bbox", fields.box, !box.isEmpty), ("segmentation", fields.mask, hasMask)]
        where wanted && !found {
            throw Fault(sentence: "of image \(image) has no \(name), the first result has one")
        }
        guard let place = images[image] else {
            strangeImages[image, default: 0] += 1
            return nil
        }
        guard let classIndex = classes[category] else {
            strangeClasses[category, default: 0] += 1
            return nil
        }
        return Pending(
            number: count, image: place, classIndex: classIndex, score: score,
            box: fields.box ? bounds : nil,
            shape: fields.mask ? shape : .none)
    }

    private mutating func finish(_ block: [Pending]) {
        let data = data
        let results = concurrently(block.count, threads: threads) { place -> Result<Detection, Fault> in
            let result = block[place]
            let image = data.images[result.image]
            do throws(MaskProblem) {
                let mask = try result.shape.mask(height: image.height, width: image.width)
                return .success(
                    Detection(
                        image: result.image, classIndex: result.classIndex, score: result.score, box: result.box,
                        mask: mask))
            } catch {
                return .failure(Fault(sentence: "result \(result.number) of image \(image.id) \(error.detail)"))
            }
        }
        for result in results {
            switch result {
            case .success(let detection): detections.append(detection)
            case .failure(let fault): problems.add(fault.sentence)
            }
        }
    }

    func throwIfAny(title: String) throws {
        var problems = DataProblems()
        func list(_ strange: [Int: Int]) -> String {
            strange.keys.sorted().map(String.init).listed(5)
        }
        if !strangeImages.isEmpty {
            let known = data.images.prefix(3).map { String($0.id) }.joined(separator: ", ")
            problems.add(
                "\(strangeImages.values.reduce(0, +)) of \(count) results are of images that the annotations do not list: "
                    + "\(list(strangeImages)). The annotations have \(data.images.count) images: \(known) ...")
        }
        if !strangeClasses.isEmpty {
            let nearest = strangeClasses.keys.min().flatMap { id in
                data.classes.min { abs(Double($0.id) - Double(id)) < abs(Double($1.id) - Double(id)) }
            }
            let words = nearest.map { "; the nearest is \($0.id), '\(PrintableName.of($0.name))'" } ?? ""
            problems.add(
                "\(strangeClasses.values.reduce(0, +)) of \(count) results are of categories that the annotations do not list: "
                    + "\(list(strangeClasses))\(words)")
        }
        problems.add(contentsOf: self.problems.sentences)
        try problems.throwIfAny(title: title)
    }
}
