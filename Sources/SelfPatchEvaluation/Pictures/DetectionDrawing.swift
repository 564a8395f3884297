import Foundation
import SelfPatchData

/// A picture with the objects that are in it, or were found: masks in colour, boxes, names and scores.
package struct DetectionDrawing {
    /// An object to draw.
    package struct Object {
        package let box: DetectionBox
        /// Its name, with a score behind it where it was found.
        package let label: String
        package let mask: RunLengthMask?

        package init(box: DetectionBox, label: String, mask: RunLengthMask?) {
            (self.box, self.label, self.mask) = (box, label, mask)
        }
    }

    /// What is found with a lower score is not drawn.
    package static let lowestScore = 0.5

    /// Draws the first object on top.
    ///
    /// - Parameter image: one channel or three; of others the first is shown.
    package static func picture(of image: Pixels, _ objects: [Object]) -> Picture {
        var pixels = image.shown
        for (number, object) in objects.enumerated().reversed() {
            if let mask = object.mask { paint(mask, color(number), on: &pixels) }
        }
        var picture = Picture(height: image.height, width: image.width)
        picture.draw(pixels, row: 0, column: 0)
        let scale = max(1, min(image.height, image.width) / 400)
        for (number, object) in objects.enumerated().reversed() {
            let (rows, columns) = (
                range(object.box.y, object.box.height, image.height), range(object.box.x, object.box.width, image.width)
            )
            guard !rows.isEmpty, !columns.isEmpty else { continue }
            picture.frame(rows: rows, columns: columns, thickness: scale, color: color(number))
            let (height, width) = (
                scale * (BitmapFont.height + 2), scale * (object.label.count * BitmapFont.advance + 2)
            )
            let top = min(max(0, rows.lowerBound - height), max(0, image.height - height))
            let left = min(columns.lowerBound, max(0, image.width - width))
            picture.fill(
                rows: top..<min(top + height, image.height), columns: left..<min(left + width, image.width),
                with: color(number))
            picture.write(object.label, row: top + scale, column: left + scale, scale: scale, color: .white)
        }
        return picture
    }

    private static func range(_ start: Double, _ length: Double, _ limit: Int) -> Range<Int> {
        let first = Int(min(max(start.rounded(.down), 0), Double(limit)))
        let last = Int(min(max((start + length).rounded(.up), 0), Double(limit)))
        return first..<max(first, last)
    }

    private static func color(_ number: Int) -> PictureColor {
        // The palette's first colours are far from each other, and none is as bright as the text.
        let color = LabelPalette.pascal[UInt8(1 + number % 14)]
        return PictureColor(red: color.red, green: color.green, blue: color.blue)
    }

    private static func paint(_ mask: RunLengthMask, _ color: PictureColor, on pixels: inout Pixels) {
        let bitmap = mask.bitmap
        for place in bitmap.indices where bitmap[place] != 0 {
            for (channel, part) in [color.red, color.green, color.blue].enumerated() {
                let own = pixels.bytes[3 * place + channel]
                pixels.bytes[3 * place + channel] = UInt8((Int(own) + Int(part)) / 2)
            }
        }
    }
}

extension DetectionDrawing.Object {
    /// Nil for a detection without a box.
    package init?(_ detection: Detection, classes: [DetectionClass]) {
        guard let box = detection.box else { return nil }
        let label = "\(classes[detection.classIndex].name) \(String(format: "%.2f", detection.score))"
        self.init(box: box, label: label, mask: detection.mask)
    }
}

extension Pixels {
    /// Three channels to look at: as they are, or the first one as grey.
    fileprivate var shown: Pixels {
        guard channels != 3 else { return self }
        return Pixels(
            height: height, width: width, channels: 3,
            bytes: (0..<height * width).flatMap { [UInt8](repeating: bytes[$0 * channels], count: 3) })
    }
}
