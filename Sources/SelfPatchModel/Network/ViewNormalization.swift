import SelfPatchTensors

/// Pixels from bytes to what the network was trained on: (x / 255 - mean) / deviation, channel by channel.
public struct ViewNormalization: Equatable, Sendable {
    public let mean: [Double]
    public let deviation: [Double]

    /// One number a channel each, of pixels in 0...1.
    public init(mean: [Double], deviation: [Double]) {
        precondition(mean.count == deviation.count, "\(mean.count) means and \(deviation.count) deviations")
        self.mean = mean
        self.deviation = deviation
    }

    /// ImageNet's, as everywhere in the field.
    public static let imageNet = ViewNormalization(mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])

    /// - Parameter bytes: `[images, channels, height, width]` uint8, on any device; the result is float32 there.
    public func callAsFunction(_ bytes: Tensor) -> Tensor {
        precondition(bytes.size(1) == mean.count, "means of \(mean.count) channels for views of \(bytes.shape)")
        let scale = zip(deviation, mean).map { 1 / (255 * $0.0) }
        let shift = zip(deviation, mean).map { $0.1 / $0.0 }
        func perChannel(_ values: [Double]) -> Tensor {
            Tensor(values.map(Float.init), shape: [1, values.count, 1, 1]).moved(to: bytes.device)
        }
        return bytes.cast(to: .float32) * perChannel(scale) - perChannel(shift)
    }
}
