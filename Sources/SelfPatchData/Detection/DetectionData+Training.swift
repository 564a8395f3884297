/// What a detector is trained on: the data without what it could not learn from.
///
/// Source: `CocoDataset` of mmdetection 2.28.2 (`_filter_imgs`, `_parse_ann_info`). Scores take all objects.
package struct DetectionTrainingSelection: Equatable, Sendable {
    package private(set) var data: DetectionData
    /// Images without an object, or with a side below `shortestSide`.
    package private(set) var imagesLeftOut = 0
    /// Crowds: neither objects nor kept away from what is background.
    package private(set) var crowds = 0
    /// Those that are marked `ignore`.
    package private(set) var ignored = 0
    /// Objects whose box does not meet the image.
    package private(set) var outside = 0
    /// Objects with no area, or a box narrower or lower than a pixel.
    package private(set) var tooSmall = 0

    package static let shortestSide = 32

    /// Parts the objects to train on from the others; each counts once, for the first reason that holds.
    package init(_ data: DetectionData) {
        self.data = data
        var images: [DetectionImage] = []
        for var image in data.images {
            guard !image.objects.isEmpty, min(image.height, image.width) >= Self.shortestSide else {
                imagesLeftOut += 1
                continue
            }
            let (height, width) = (Double(image.height), Double(image.width))
            image.objects = image.objects.filter { object in
                let box = object.box
                if object.isIgnored {
                    ignored += 1
                } else if min(box.x + box.width, width) <= max(box.x, 0)
                    || min(box.y + box.height, height) <= max(box.y, 0)
                {
                    outside += 1
                } else if object.area <= 0 || box.width < 1 || box.height < 1 {
                    tooSmall += 1
                } else if object.isCrowd {
                    crowds += 1
                } else {
                    return true
                }
                return false
            }
            images.append(image)
        }
        self.data = DetectionData(classes: data.classes, images: images)
    }

    /// One sentence without a full stop, or nil where everything is trained on.
    package var words: String? {
        let parts = [
            (imagesLeftOut, "images without objects or with a side below \(Self.shortestSide) pixels"),
            (crowds, "crowd regions"), (ignored, "objects marked 'ignore'"),
            (outside, "objects outside of their image"), (tooSmall, "objects without area or below one pixel"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return parts.isEmpty ? nil : "not trained on: " + parts.joined(separator: ", ")
    }
}
