import SelfPatchTensors

/// A colour of a scene, channels in 0 ... 1.
struct SceneColor {
    var red: Float
    var green: Float
    var blue: Float

    /// - Parameters:
    ///   - hue: degrees, any number.
    ///   - saturation, value: 0 ... 1.
    init(hue: Double, saturation: Double, value: Double) {
        func channel(_ offset: Double) -> Float {
            var k = (offset + hue / 60).truncatingRemainder(dividingBy: 6)
            if k < 0 { k += 6 }
            return Float(value - value * saturation * max(0, min(k, 4 - k, 1)))
        }
        red = channel(5)
        green = channel(3)
        blue = channel(1)
    }

    /// A weakly coloured tone, for grounds and clutter.
    init(mutedBy saturation: ClosedRange<Double>, generator: inout KeyedGenerator) {
        self.init(
            hue: generator.uniform(0, 360),
            saturation: generator.uniform(in: saturation),
            value: generator.uniform(0.25, 0.95))
    }

    func mixed(with other: SceneColor, share: Float) -> SceneColor {
        var result = self
        result.red += (other.red - red) * share
        result.green += (other.green - green) * share
        result.blue += (other.blue - blue) * share
        return result
    }
}

extension KeyedGenerator {
    mutating func uniform(in range: ClosedRange<Double>) -> Double { uniform(range.lowerBound, range.upperBound) }

    mutating func integer(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(uniform() * Double(range.count))
    }

    /// Nearly normal, deviation 1: four uniform numbers of 16 bits added up, one draw for all four.
    mutating func roughlyNormal() -> Double {
        let word = next()
        let sum = (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48)
        // The sum of four uniform numbers has a variance of 4/12 of their range's square.
        return (Double(sum) / 65536 - 2) * 1.732_050_8
    }
}
