import Foundation
import SelfPatchModel
import SelfPatchTensors

/// What a detector's region heads meet in one picture, drawn from a seed: feature maps of four strides, regions on each, and boxes that
/// crowd around things.
struct RegionDraw {
    /// Pixels a cell; the maps are called p2 to p5, as in feature pyramids.
    static let strides = FeaturePyramid.strides

    /// Of each stride: `[1, channels, height / stride, width / stride]`.
    let maps: [Tensor]
    /// Of each stride: `[regions, 5]`, image 0 and corners in pixels.
    let regions: [Tensor]
    /// `[boxes, 4]` and `[boxes]`.
    let boxes, scores: Tensor

    /// - Parameters:
    ///   - height: of the picture, in whole cells of the coarsest map, as is `width`.
    ///   - regions: together on all maps.
    init(channels: Int, height: Int, width: Int, regions: Int, boxes: Int) {
        let noise = Generator(seed: 0)
        maps = Self.strides.map {
            Tensor.uniform([1, channels, height / $0, width / $0], low: -1, high: 1, using: noise)
        }
        var random = KeyedGenerator(1)
        var corners = Self.strides.map { _ in [Float]() }
        for _ in 0..<regions {
            // Sides of 16 to 600 pixels, as many of each order: proposals are mostly small.
            let side = 16 * pow(600.0 / 16, random.uniform()), aspect = pow(2, random.uniform(-1, 1))
            let box = Self.box(
                x: random.uniform(0, Double(width)), y: random.uniform(0, Double(height)), width: side * aspect,
                height: side / aspect, within: (Float(width), Float(height)))
            corners[RegionFeatures.level(of: Box(box[0], box[1], box[2], box[3]))] += [0] + box
        }
        self.regions = corners.map { Tensor($0, shape: [$0.count / 5, 5]) }

        // Sixteen boxes for each thing, off by up to a tenth of its size.
        let things = (0..<max(1, boxes / 16)).map { _ in
            (x: random.uniform(0, Double(width)), y: random.uniform(0, Double(height)), side: random.uniform(16, 256))
        }
        var crowd: [Float] = []
        for number in 0..<boxes {
            let thing = things[number % things.count]
            func near(_ value: Double) -> Double { value + 0.1 * thing.side * random.uniform(-1, 1) }
            crowd += Self.box(
                x: near(thing.x), y: near(thing.y), width: near(thing.side), height: near(thing.side),
                within: (Float(width), Float(height)))
        }
        self.boxes = Tensor(crowd, shape: [boxes, 4])
        scores = Tensor.uniform([boxes], low: 0, high: 1, using: noise)
    }

    private static func box(
        x: Double, y: Double, width: Double, height: Double, within picture: (width: Float, height: Float)
    ) -> [Float] {
        [
            max(0, Float(x - width / 2)), max(0, Float(y - height / 2)), min(picture.width, Float(x + width / 2)),
            min(picture.height, Float(y + height / 2)),
        ]
    }
}
