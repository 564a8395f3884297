import SelfPatchLayers
import SelfPatchTensors

/// Says which places of a region belong to its object, for each class.
///
/// Source: He et al. 2017 (arXiv 1703.06870); `FCNMaskHead` of mmdetection.
struct MaskHead: Parameterized {
    /// Places of a region that the head reads, in each direction.
    static let size = 14
    /// Places of the masks that it makes.
    static let maskSize = 28

    private let convolutions: [Convolution]
    private let doubling: Doubling
    private let logits: Convolution

    /// - Parameter maskCount: classes, or 1 where all classes' masks are one.
    init(channels: Int, maskCount: Int, _ initializer: Initializer) {
        convolutions = (0..<4).map { _ in Convolution(from: channels, to: channels, side: 3, start: .he, initializer) }
        doubling = Doubling(channels: channels, start: .he, initializer)
        logits = Convolution(from: channels, to: maskCount, start: .he, initializer)
    }

    /// `[regions, channels, 14, 14]` to `[regions, masks, 28, 28]`, before the sigmoid.
    func callAsFunction(_ features: Tensor) -> Tensor {
        let top = convolutions.reduce(features) { $1($0).relu() }
        return logits(doubling(top).relu()).cast(to: .float32)
    }

    var parameters: [NamedTensor] {
        convolutions.enumerated().flatMap { $1.parameters(of: "convolutions.\($0)") }
            + doubling.parameters(of: "doubling") + logits.parameters(of: "logits")
    }
}
