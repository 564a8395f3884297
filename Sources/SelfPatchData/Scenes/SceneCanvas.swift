import Foundation
import SelfPatchTensors

/// A scene while it is drawn: colours as floats in 0 ... 1, and the mask.
struct SceneCanvas {
    let side: Int
    private(set) var mask: [UInt8]
    private var colors: [SceneColor]

    init(side: Int) {
        self.side = side
        mask = [UInt8](repeating: 0, count: side * side)
        colors = [SceneColor](
            repeating: SceneColor(hue: 0, saturation: 0, value: 0), count: side * side)
    }

    /// Three muted colours, mixed by two noises; the first noise has hard edges half of the time.
    mutating func paintGround(saturation: ClosedRange<Double>, generator: inout KeyedGenerator) {
        let tones = (0..<3).map { _ in SceneColor(mutedBy: saturation, generator: &generator) }
        let coarse = ValueNoise(side: side, cell: generator.uniform(14, 48), generator: &generator)
        let fine = ValueNoise(side: side, cell: generator.uniform(4, 16), generator: &generator)
        let sharpness: Float = generator.uniform() < 0.5 ? 12 : 1
        for y in 0..<side {
            for x in 0..<side {
                let share = min(max(0.5 + (coarse(x, y) - 0.5) * sharpness, 0), 1)
                colors[y * side + x] = tones[0].mixed(with: tones[1], share: share)
                    .mixed(with: tones[2], share: 0.6 * fine(x, y))
            }
        }
    }

    /// A plain ellipse of a muted colour anywhere; it belongs to the ground.
    mutating func paintClutter(saturation: ClosedRange<Double>, generator: inout KeyedGenerator) {
        let color = SceneColor(mutedBy: saturation, generator: &generator)
        let place = Placement(
            centerX: generator.uniform(0, Double(side)), centerY: generator.uniform(0, Double(side)),
            turn: generator.uniform(0, 2 * .pi), reach: generator.uniform(0.1, 0.45) * Double(side) / 2)
        paint(.ellipse, at: place, wobble: (0, 0), maskValue: 0) { _, _, _, _ in color }
    }

    /// A thing of a kind somewhere inside, over whatever lies there.
    ///
    /// - Parameter reach: from its middle, as a share of half the side.
    mutating func paint(
        _ kind: ThingKind, reach: Double, settings: SceneGenerator.Settings, generator: inout KeyedGenerator
    ) {
        let half = Double(side) / 2
        let spread = half * max(1 - 0.7 * reach, 0)
        let place = Placement(
            centerX: half + generator.uniform(-spread, spread), centerY: half + generator.uniform(-spread, spread),
            turn: generator.uniform(0, 2 * .pi), reach: reach * half)
        let hue = kind.hue + settings.hueDeviation * generator.roughlyNormal()
        let saturation = generator.uniform(in: settings.saturation)
        let light = generator.uniform(in: settings.thingLight)
        let bright = SceneColor(hue: hue, saturation: saturation, value: light * generator.uniform(0.75, 1))
        let dark = SceneColor(hue: hue, saturation: saturation, value: light * generator.uniform(0.2, 0.45))
        let scale = Float(place.reach / generator.uniform(in: settings.period))
        let wobble = (Float(generator.uniform(0, 2 * .pi)), Float(generator.uniform(0, 2 * .pi)))
        let noise = ValueNoise(side: side, cell: 12, generator: &generator)
        let surface = kind.surface
        paint(kind.shape, at: place, wobble: wobble, maskValue: kind.maskValue) { u, v, x, y in
            let veins = surface == .marble ? noise(x, y) : 0
            return bright.mixed(with: dark, share: surface.tone(u * scale, v * scale, noise: veins))
        }
    }

    /// Brightness and a slope of light over the picture, then grain in each channel by itself.
    mutating func light(_ settings: SceneGenerator.Settings, generator: inout KeyedGenerator) {
        let brightness = Float(generator.uniform(in: settings.light))
        let slope = Float(generator.uniform(0, settings.lightSlope))
        let direction = Float(generator.uniform(0, 2 * .pi))
        let across = cosf(direction) * slope / Float(side)
        let down = sinf(direction) * slope / Float(side)
        let grain = generator.uniform(in: settings.grain) / 255
        for y in 0..<side {
            for x in 0..<side {
                let factor =
                    brightness * (1 + across * (Float(x) - Float(side) / 2) + down * (Float(y) - Float(side) / 2))
                let place = y * side + x
                colors[place].red = colors[place].red * factor + Float(grain * generator.roughlyNormal())
                colors[place].green = colors[place].green * factor + Float(grain * generator.roughlyNormal())
                colors[place].blue = colors[place].blue * factor + Float(grain * generator.roughlyNormal())
            }
        }
    }

    func pixels() -> Pixels {
        var bytes = [UInt8](repeating: 0, count: side * side * 3)
        func byte(_ channel: Float) -> UInt8 { UInt8(min(max(channel * 255 + 0.5, 0), 255)) }
        for (place, color) in colors.enumerated() {
            bytes[3 * place] = byte(color.red)
            bytes[3 * place + 1] = byte(color.green)
            bytes[3 * place + 2] = byte(color.blue)
        }
        return Pixels(height: side, width: side, channels: 3, bytes: bytes)
    }

    /// Where a shape lies: middle and reach in pixels, turn in radians.
    private struct Placement {
        let centerX: Double
        let centerY: Double
        let turn: Double
        let reach: Double
    }

    /// Paints what lies inside a shape, with edges one pixel soft; the mask changes where the shape covers half a pixel.
    ///
    /// - Parameter color: of a point, given in the shape's own coordinates and in pixels.
    private mutating func paint(
        _ shape: SceneShape, at place: Placement, wobble: (Float, Float), maskValue: UInt8,
        color: (_ u: Float, _ v: Float, _ x: Int, _ y: Int) -> SceneColor
    ) {
        let reach = Float(place.reach)
        let cosine = Float(cos(place.turn)) / reach
        let sine = Float(sin(place.turn)) / reach
        func pixels(around center: Double) -> Range<Int> {
            let low = max(0, Int(center - place.reach * 1.2 - 1))
            return low..<max(low, min(side, Int(center + place.reach * 1.2 + 2)))
        }
        for y in pixels(around: place.centerY) {
            let dy = Float(Double(y) + 0.5 - place.centerY)
            for x in pixels(around: place.centerX) {
                let dx = Float(Double(x) + 0.5 - place.centerX)
                let u = cosine * dx + sine * dy
                let v = cosine * dy - sine * dx
                let coverage = min(max(0.5 + reach * shape.depth(u, v, wobble: wobble), 0), 1)
                guard coverage > 0 else { continue }
                let index = y * side + x
                colors[index] = colors[index].mixed(with: color(u, v, x, y), share: coverage)
                if coverage >= 0.5 { mask[index] = maskValue }
            }
        }
    }
}
