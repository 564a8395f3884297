import Foundation
import SelfPatchFormats

extension DetectionResults {
    /// Writes `boxes.json` and `masks.json`, each as COCO's tools read it.
    ///
    /// - Parameter masks: whether masks were asked for; without them there is no list of masks.
    package func write(inFolder folder: String, masks: Bool, for data: DetectionData) throws {
        try boxesAlone.write(to: "\(folder)/boxes.json", for: data)
        if masks { try masksAlone.write(to: "\(folder)/masks.json", for: data) }
    }

    /// The same with masks alone, as COCO's tools want them where masks are scored: a box beside a mask would decide its size.
    package var masksAlone: DetectionResults {
        DetectionResults(
            detections.map {
                Detection(image: $0.image, classIndex: $0.classIndex, score: $0.score, box: nil, mask: $0.mask)
            })
    }

    /// The same with boxes alone.
    package var boxesAlone: DetectionResults {
        DetectionResults(
            detections.map { Detection(image: $0.image, classIndex: $0.classIndex, score: $0.score, box: $0.box) })
    }

    /// Writes COCO's list of results, one a line: boxes where there are any, masks as compressed run lengths.
    ///
    /// - Parameter data: what was looked at, for ids of images and classes.
    package func write(to path: String, for data: DetectionData) throws {
        let lines = detections.map { detection -> String in
            var fields = [
                "\"image_id\":\(data.images[detection.image].id)",
                "\"category_id\":\(data.classes[detection.classIndex].id)",
            ]
            if let box = detection.box {
                fields.append("\"bbox\":[\(box.x),\(box.y),\(box.width),\(box.height)]")
            }
            if let mask = detection.mask {
                let counts = String(decoding: mask.text, as: UTF8.self).replacing("\\", with: "\\\\")
                fields.append("\"segmentation\":{\"size\":[\(mask.height),\(mask.width)],\"counts\":\"\(counts)\"}")
            }
            fields.append("\"score\":\(detection.score)")
            return "{" + fields.joined(separator: ",") + "}"
        }
        try AtomicFile.write(Data(("[" + lines.joined(separator: ",\n") + "]\n").utf8), to: path)
    }
}
