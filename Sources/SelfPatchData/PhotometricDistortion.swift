import CSelfPatchPixels
import SelfPatchTensors

/// Brightness, contrast, saturation and hue of one crop, as chance has it.
///
/// The order is that of SSD and of mmsegmentation: brightness, contrast now or at the end, saturation, hue. Levels are bytes
/// after brightness and contrast; saturation and hue are changed in one go and rounded once, where OpenCV's bytes of HSV
/// round twice.
struct PhotometricDistortion: Equatable, Sendable {
    /// Added to all levels; 0 where nothing is.
    var brightness = 0.0
    var contrast = 1.0
    /// Whether contrast comes before saturation and hue.
    var isContrastFirst = false
    var saturation = 1.0
    /// In turns.
    var hue = 0.0

    init(_ settings: SegmentationViewSettings, _ generator: inout KeyedGenerator) {
        func part(_ range: ClosedRange<Double>, else neutral: Double) -> Double {
            let isOn = generator.chance(settings.distortion)
            let value = generator.uniform(in: range)
            return isOn ? value : neutral
        }
        brightness = part(-settings.brightness...settings.brightness, else: 0)
        isContrastFirst = generator.chance(0.5)
        contrast = part(settings.contrast, else: 1)
        saturation = part(settings.saturation, else: 1)
        hue = part(-settings.hue...settings.hue, else: 0)
    }

    /// - Parameter planes: `[channels, height, width]`; with other than three channels saturation and hue stay.
    func apply(to planes: inout [UInt8], channels: Int) {
        let pixels = planes.count / channels
        planes.withUnsafeMutableBufferPointer { planes in
            let count = planes.count
            if brightness != 0 { px_linear_levels(planes.baseAddress, count, 1, Float(brightness)) }
            if isContrastFirst, contrast != 1 { px_linear_levels(planes.baseAddress, count, Float(contrast), 0) }
            if channels == 3, saturation != 1 || hue != 0 {
                px_hue_saturation(planes.baseAddress, pixels, Float(saturation), Float(hue))
            }
            if !isContrastFirst, contrast != 1 { px_linear_levels(planes.baseAddress, count, Float(contrast), 0) }
        }
    }
}
