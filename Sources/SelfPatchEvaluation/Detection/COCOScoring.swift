import Foundation
import SelfPatchData
import SelfPatchFormats

/// Scores what a detector found by COCO's rules, image by image on several threads; the figures do not depend on how many.
package struct COCOScoring: Sendable {
    package let data: DetectionData
    package let results: DetectionResults
    /// False takes all classes for one.
    package var usesClasses = true
    /// 0 takes one for each processor.
    package var threads = 0

    package init(_ results: DetectionResults, against data: DetectionData) {
        self.results = results
        self.data = data
    }

    /// - Throws: `UserError` where masks are to be scored and an object or the results have none.
    package func score(_ kind: COCOScore.Kind) throws -> COCOScore {
        if kind == .masks { try requireMasks() }
        let found = DetectionsByImage(results.detections, images: data.images.count)
        let classCount = usesClasses ? data.classes.count : 1
        let block = 64
        let blocks = (data.images.count + block - 1) / block
        let parts = concurrently(blocks, threads: threads) { number in
            (number * block..<min((number + 1) * block, data.images.count)).map { image in
                ImageScoring(self, kind, image: image, found: found).matched()
            }
        }
        var images = [[PrecisionRecall.Image]](repeating: [], count: classCount)
        for (number, image) in parts.joined().joined() { images[number].append(image) }
        let gathered = images
        return COCOScore(
            kind: kind, classes: usesClasses ? data.classes : [],
            curves: concurrently(classCount, threads: threads) { PrecisionRecall(gathered[$0]) })
    }

    private func requireMasks() throws {
        guard results.hasMasks else {
            throw UserError("The results have no masks ('segmentation'), so only their boxes can be scored.")
        }
        for image in data.images {
            if let object = image.objects.first(where: { !$0.hasMask }) {
                throw UserError(
                    "Annotation \(object.id) of image \(image.id) has no mask, so only boxes can be scored.")
            }
        }
    }
}

/// The detections of each image, in the order of the list.
struct DetectionsByImage: Sendable {
    private let detections: [Detection]
    private let order: [Int32]
    private let starts: [Int]

    init(_ detections: [Detection], images: Int) {
        var starts = [Int](repeating: 0, count: images + 1)
        for detection in detections { starts[detection.image + 1] += 1 }
        for image in 0..<images { starts[image + 1] += starts[image] }
        var next = starts
        var order = [Int32](repeating: 0, count: detections.count)
        for (place, detection) in detections.enumerated() {
            order[next[detection.image]] = Int32(place)
            next[detection.image] += 1
        }
        self.detections = detections
        self.order = order
        self.starts = starts
    }

    subscript(image: Int) -> [Detection] { order[starts[image]..<starts[image + 1]].map { detections[Int($0)] } }
}
