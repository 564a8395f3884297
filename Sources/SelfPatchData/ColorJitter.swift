import SelfPatchTensors

/// Brightness, contrast, saturation and hue of one view, and the order in which they change.
public struct ColorJitter: Hashable, Sendable {
    public enum Part: CaseIterable, Hashable, Sendable {
        case brightness, contrast, saturation, hue
    }

    /// Each part once; all 24 orders are equally likely.
    public var order: [Part]
    public var brightness: Double
    public var contrast: Double
    public var saturation: Double
    /// In turns.
    public var hue: Double

    public init(order: [Part], brightness: Double, contrast: Double, saturation: Double, hue: Double) {
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
