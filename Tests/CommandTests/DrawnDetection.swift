import Foundation
import SelfPatchData
import TestSupport

/// A data set in COCO's layout so small that a detector is trained on it in a second: coloured rectangles on grey.
struct DrawnDetection {
    let folder: TemporaryFolder
    var path: String { folder.file("data") }

    static var categories: [[String: Any]] { [["id": 2, "name": "red"], ["id": 7, "name": "blue"]] }

    /// Draws pictures 1 to `count` for both splits, with the same annotations.
    init(in folder: TemporaryFolder, count: Int = 6, masks: Bool = true) throws {
        self.folder = folder
        var images: [[String: Any]] = []
        var annotations: [[String: Any]] = []
        for number in 1...count {
            let (height, width) = (48, 64)
            var bytes = [UInt8](repeating: 90, count: 3 * height * width)
            for part in 0..<2 {
                let (x, y) = (4 + 30 * part + number % 3, 6 + (number * 7 + part * 5) % 15)
                let (w, h) = (18 + number % 4, 14 + number % 5)
                for row in y..<y + h {
                    for column in x..<x + w { bytes[3 * (row * width + column) + 2 * part] = 250 }
                }
                var annotation: [String: Any] = [
                    "id": annotations.count + 1, "image_id": number, "category_id": part == 0 ? 2 : 7, "iscrowd": 0,
                    "bbox": [x, y, w, h], "area": w * h,
                ]
                if masks { annotation["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]] }
                annotations.append(annotation)
            }
            images.append(["id": number, "file_name": "\(number).png", "height": height, "width": width])
            let pixels = Pixels(height: height, width: width, channels: 3, bytes: bytes)
            try folder.write(PNGFile.encoded(pixels), to: "data/images/\(number).png")
        }
        for split in ["train", "val"] { try write(split, images: images, annotations: annotations) }
    }

    /// Writes a split's annotations.
    func write(
        _ split: String, images: [[String: Any]], annotations: [[String: Any]],
        categories: [[String: Any]] = DrawnDetection.categories
    ) throws {
        let value: [String: Any] = ["images": images, "annotations": annotations, "categories": categories]
        try folder.write(
            try JSONSerialization.data(withJSONObject: value), to: "data/annotations/instances_\(split).json")
    }

    /// Settings for a detector of a few numbers.
    static let settings: [String] = [
        "model.channels=8", "model.hiddenWidth=16", "model.trainingProposals.before=40",
        "model.trainingProposals.after=30", "model.proposals.before=40", "model.proposals.after=30",
        "model.regions=16", "model.anchors=32", "model.detections.score=0", "model.detections.most=10",
        "views.shortSides=[48, 64]", "views.longSide=96", "views.useShortSide=48", "views.cropShortSides=[48]",
        "views.cropSides=[32, 60]", "views.crop=0.5", "optimizer.learningRate=0.002", "optimizer.warmupSteps=2",
        "length=12 steps", "batchSize=2", "data.workers=1", "run.checkpointEvery=4 steps", "threads=1", "device=cpu",
    ]

    func arguments(weights: String, output: String, _ more: [String] = []) -> [String] {
        ["detect", "--weights", weights, "--data", path, "--output", folder.file(output)]
            + (Self.settings + more).flatMap { ["--set", $0] }
    }
}
