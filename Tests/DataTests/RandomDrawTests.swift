import Foundation
import SelfPatchData
import TestSupport
import Testing

/// The random draws against the distributions of the authors' own transform object.
@Suite(.requires(Goldens.of(.augment))) struct RandomDrawTests {
    static let seed: UInt64 = 2022

    let draws: Draws
    let settings = MultiCropSettings()

    init() throws {
        // Further roots may hold other cases; the distributions are the same.
        let folder = try #require(Goldens.folders(.augment).first)
        draws = try folder.decode(Draws.self, from: "random_draws.json")
    }

    func recipes(view: Int, height: Int = 375, width: Int = 500, count: Int? = nil) -> [ViewRecipe] {
        let multiCrop = MultiCrop(settings)
        return (0..<(count ?? draws.sample)).map { index in
            let key = SampleKey(seed: Self.seed, epoch: view, index: index)
            return multiCrop.recipes(height: height, width: width, key: key)[view]
        }
    }

    @Test func crops() throws {
        for (name, kinds) in draws.crops {
            let sides = name.split(separator: "x").compactMap { Int($0) }
            let (width, height) = (sides[0], sides[1])
            for (kind, expected) in kinds {
                let boxes = recipes(view: kind == "global" ? 1 : 2, height: height, width: width).map(\.box)
                expected.check(boxes, height: height, width: width, "\(kind) crops of \(name)")
            }
        }
    }

    @Test(arguments: [("global1", 0), ("global2", 1), ("local", 5)]) func partsOfAView(kind: (name: String, view: Int))
        throws
    {
        let expected = try #require(draws.views[kind.name])
        let recipes = recipes(view: kind.view)
        for (part, share) in expected.probabilities {
            share.check(recipes.count { $0.has(part) }, of: recipes.count, "\(part) of \(kind.name)")
        }
        for (pair, share) in expected.jointProbabilities {
            let parts = pair.components(separatedBy: " and ")
            share.check(
                recipes.count { $0.has(parts[0]) && $0.has(parts[1]) }, of: recipes.count, "\(pair) of \(kind.name)")
        }
        expected.radius.check(recipes.compactMap(\.blurRadius), "radius of \(kind.name)")
    }

    @Test func jitter() {
        let jitters = recipes(view: 0, count: draws.sample * 5 / 4 + 500).compactMap(\.jitter).prefix(draws.sample)
        let expected = draws.jitter
        let letters: [ColorJitter.Part: Character] = [.brightness: "b", .contrast: "c", .saturation: "s", .hue: "h"]
        let orders = jitters.map { String($0.order.compactMap { letters[$0] }) }
        #expect(expected.orders.count == 24)
        for (order, share) in expected.orders {
            share.check(orders.count { $0 == order }, of: orders.count, "order \(order)")
        }
        let factors = [
            "brightness": jitters.map(\.brightness), "contrast": jitters.map(\.contrast),
            "saturation": jitters.map(\.saturation), "hue": jitters.map(\.hue),
        ]
        for (name, distribution) in expected.factors { distribution.check(factors[name] ?? [], name) }
        for (pair, value) in expected.correlations {
            let names = pair.components(separatedBy: "-")
            value.check(correlationOf(factors[names[0]] ?? [], factors[names[1]] ?? []), "correlation \(pair)")
        }
        for (level, share) in expected.hueLevels {
            share.check(
                jitters.count { Int($0.hue * 255) == Int(level) }, of: jitters.count, "hue level \(level)")
        }
    }

    @Test func viewsOfOneImageAreIndependent() throws {
        let multiCrop = MultiCrop(settings)
        let images = (0..<draws.sample).map {
            multiCrop.recipes(height: 375, width: 500, key: SampleKey(seed: Self.seed, epoch: 77, index: $0))
        }
        for (name, share) in draws.betweenViews {
            let isFlip = name.hasPrefix("flip of global1 and of global2")
            try #require(isFlip || name == "greyscale of the first two local views")
            let both = images.count {
                isFlip ? $0[0].isFlipped && $0[1].isFlipped : $0[2].isGreyscale && $0[3].isGreyscale
            }
            share.check(both, of: images.count, name)
        }
    }
}

extension ViewRecipe {
    /// Whether a part, by the golden's name for it, is applied.
    fileprivate func has(_ part: String) -> Bool {
        switch part {
        case "flip": isFlipped
        case "jitter": jitter != nil
        case "greyscale": isGreyscale
        case "blur": blurRadius != nil
        case "solarize": isSolarized
        default: false
        }
    }
}

// MARK: - random_draws.json

struct Draws: Decodable {
    let sample: Int
    let crops: [String: [String: Crops]]
    let views: [String: Views]
    let jitter: Jitter
    let betweenViews: [String: Share]

    enum CodingKeys: String, CodingKey {
        case sample, crops, views, jitter
        case betweenViews = "between_views"
    }

    struct Share: Decodable {
        let share: Double
        let exact: Double?
        let tolerance: Double

        func check(_ count: Int, of all: Int, _ name: String) {
            let share = Double(count) / Double(all)
            #expect(abs(share - (exact ?? self.share)) <= tolerance, "\(name): \(share)")
        }
    }

    struct Value: Decodable {
        let value: Double
        let tolerance: Double

        func check(_ value: Double, _ name: String) {
            #expect(abs(value - self.value) <= tolerance, "\(name): \(value)")
        }
    }

    struct Distribution: Decodable {
        struct Point: Decodable {
            let value, share, tolerance: Double
        }

        let mean, meanTolerance, deviation, deviationTolerance: Double
        let atOrBelow: [Point]

        enum CodingKeys: String, CodingKey {
            case mean, deviation
            case meanTolerance = "mean_tolerance"
            case deviationTolerance = "deviation_tolerance"
            case atOrBelow = "at_or_below"
        }

        func check(_ values: [Double], _ name: String) {
            let (mean, deviation) = moments(values)
            #expect(abs(mean - self.mean) <= meanTolerance, "mean of \(name): \(mean)")
            #expect(abs(deviation - self.deviation) <= deviationTolerance, "deviation of \(name): \(deviation)")
            for point in atOrBelow {
                // The golden's values are rounded to six places.
                let share = Double(values.count { $0 <= point.value + 5e-7 }) / Double(values.count)
                #expect(abs(share - point.share) <= point.tolerance, "\(name) up to \(point.value): \(share)")
            }
        }
    }

    struct Crops: Decodable {
        struct Box: Decodable {
            let top, left, height, width: Int
        }

        let fallbackBox: Box
        let fallback, fullWidth, fullHeight: Share
        let area, logAspect, width, height: Distribution
        let leftOfRoom, topOfRoom: Distribution?
        let correlation: Value

        enum CodingKeys: String, CodingKey {
            case fallback, area, width, height
            case fallbackBox = "fallback_box"
            case fullWidth = "full_width"
            case fullHeight = "full_height"
            case logAspect = "log_aspect"
            case leftOfRoom = "left_of_room"
            case topOfRoom = "top_of_room"
            case correlation = "correlation_area_log_aspect"
        }

        func check(_ boxes: [CropBox], height imageHeight: Int, width imageWidth: Int, _ name: String) {
            let fallbackBox = CropBox(
                top: fallbackBox.top, left: fallbackBox.left, height: fallbackBox.height, width: fallbackBox.width)
            let drawn = boxes.filter { $0 != fallbackBox }
            fallback.check(boxes.count - drawn.count, of: boxes.count, "fallback of \(name)")
            fullWidth.check(boxes.count { $0.width == imageWidth }, of: boxes.count, "full width of \(name)")
            fullHeight.check(boxes.count { $0.height == imageHeight }, of: boxes.count, "full height of \(name)")

            let areas = drawn.map { Double($0.width * $0.height) / Double(imageWidth * imageHeight) }
            let aspects = drawn.map { log(Double($0.width) / Double($0.height)) }
            area.check(areas, "area of \(name)")
            logAspect.check(aspects, "log aspect of \(name)")
            correlation.check(correlationOf(areas, aspects), "correlation of \(name)")
            width.check(drawn.map { Double($0.width) }, "width of \(name)")
            height.check(drawn.map { Double($0.height) }, "height of \(name)")
            leftOfRoom?.check(
                drawn.filter { $0.width < imageWidth }.map { Double($0.left) / Double(imageWidth - $0.width) },
                "left of \(name)")
            topOfRoom?.check(
                drawn.filter { $0.height < imageHeight }.map { Double($0.top) / Double(imageHeight - $0.height) },
                "top of \(name)")
        }
    }

    struct Views: Decodable {
        let probabilities, jointProbabilities: [String: Share]
        let radius: Distribution

        enum CodingKeys: String, CodingKey {
            case probabilities, radius
            case jointProbabilities = "joint_probabilities"
        }
    }

    struct Jitter: Decodable {
        let orders: [String: Share]
        let factors: [String: Distribution]
        let hueLevels: [String: Share]
        let correlations: [String: Value]

        enum CodingKeys: String, CodingKey {
            case orders, factors, correlations
            case hueLevels = "hue_levels"
        }
    }
}

private func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(values.count)).squareRoot())
}

private func correlationOf(_ first: [Double], _ second: [Double]) -> Double {
    let (a, b) = (moments(first), moments(second))
    let product = zip(first, second).reduce(0) { $0 + ($1.0 - a.mean) * ($1.1 - b.mean) }
    return product / Double(first.count) / (a.deviation * b.deviation)
}
