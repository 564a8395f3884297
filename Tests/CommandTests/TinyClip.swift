import Foundation
import SelfPatchFormats
import TestSupport

/// A made-up video: two boxes that move over stripes, laid out as DAVIS. Their sides are multiples of 4 pixels.
struct TinyClip {
    var height = 40
    var width = 56
    var frames = 5
    /// Pixels to the right a frame.
    var speed = 2

    /// The object at a pixel: 1 and 2 are boxes, 0 is the rest.
    func object(_ frame: Int, _ row: Int, _ column: Int) -> Int {
        if 8..<20 ~= row, 8 + speed * frame..<24 + speed * frame ~= column { return 1 }
        if 24..<36 ~= row, 20 + speed * frame..<40 + speed * frame ~= column { return 2 }
        return 0
    }

    func picture(_ frame: Int) -> Data {
        let colors = [[30, 90, 40], [220, 60, 40], [60, 80, 230]]
        return DrawnPNG(
            colorType: 2, bits: 8,
            rows: (0..<height).map { row in
                (0..<width).flatMap { column in
                    colors[object(frame, row, column)].map { $0 + (row / 3 + column / 5) % 2 * 20 }
                }
            }
        ).bytes()
    }

    /// A palette PNG of two bits.
    func mask(_ frame: Int) -> Data {
        DrawnPNG(
            colorType: 3, bits: 2,
            rows: (0..<height).map { row in (0..<width).map { object(frame, row, $0) } },
            palette: [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
        ).bytes()
    }

    func frameName(_ frame: Int) -> String { String(repeating: "0", count: 5 - String(frame).count) + String(frame) }

    /// - Parameter annotated: which frames have a mask.
    func write(as name: String, to folder: TemporaryFolder, annotated: Range<Int>? = nil) throws {
        for frame in 0..<frames {
            try folder.write(picture(frame), to: "JPEGImages/480p/\(name)/\(frameName(frame)).png")
        }
        for frame in annotated ?? 0..<frames {
            try folder.write(mask(frame), to: "Annotations/480p/\(name)/\(frameName(frame)).png")
        }
    }

    /// A network of width 16 with patches of 4 pixels, as its run drew it and trained it for two steps.
    static func weights(in folder: TemporaryFolder) throws -> String {
        let run = try TinyRun(in: folder).run("run", ["schedule.length=2 steps", "run.checkpointEvery=2 steps"])
        guard run.exitCode == 0 else { throw UserError("the tiny run failed: \(run)") }
        return folder.file("run/weights.safetensors")
    }
}
