import SelfPatchTensors

/// Brightness, contrast, saturation and hue of one view, and the order in which they change.
package struct ColorJitter: Hashable, Sendable {
    package enum Part: CaseIterable, Hashable, Sendable {
        case brightness, contrast, saturation, hue
    }

    /// Each part once; all 24 orders are equally likely.
    package var order: [Part]
    package var brightness: Double
    package var contrast: Double
    package var saturation: Double
    /// In turns.
    package var hue: Double

    package init(order: [Part], brightness: Double, contrast: Double, saturation: Double, hue: Double) {
        self.order = order
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
    }

    init(_ settings: MultiCropSettings, _ generator: inout KeyedGenerator) {
        var order = Part.allCases
        for last in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(last, generator.integer(below: last + 1))
        }
        self.init(
            order: order, brightness: generator.uniform(in: settings.brightness),
            contrast: generator.uniform(in: settings.contrast),
            saturation: generator.uniform(in: settings.saturation), hue: generator.uniform(in: settings.hue))
    }
}
