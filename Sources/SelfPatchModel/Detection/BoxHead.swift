import SelfPatchLayers
import SelfPatchTensors

/// Says which class a region shows, and how its box should move to fit, for each class.
///
/// Source: Girshick 2015; `Shared2FCBBoxHead` of mmdetection.
struct BoxHead: Parameterized {
    /// Places of a region in each direction.
    static let size = 7

    private let hidden: [Linear]
    private let classes: Linear
    private let shift: Linear
    private let channels: Int

    /// - Parameters:
    ///   - classCount: without background.
    ///   - boxCount: the same, or 1 where the boxes of all classes move alike.
    init(channels: Int, hiddenWidth: Int, classCount: Int, boxCount: Int, _ initializer: Initializer) {
        self.channels = channels
        hidden = [
            Linear(from: channels * Self.size * Self.size, to: hiddenWidth, start: .glorot, initializer),
            Linear(from: hiddenWidth, to: hiddenWidth, start: .glorot, initializer),
        ]
        classes = Linear(from: hiddenWidth, to: classCount + 1, start: .normal(0.01), initializer)
        shift = Linear(from: hiddenWidth, to: 4 * boxCount, start: .normal(0.001), initializer)
    }

    struct Output {
        /// `[regions, classes + 1]`; the last is background.
        let logits: Tensor
        /// `[regions, 4 * classes]` or `[regions, 4]`, to `BoxCoder.detections`.
        let deltas: Tensor
    }

    /// - Parameter features: `[regions, channels, size, size]`
    func callAsFunction(_ features: Tensor) -> Output {
        let flat = features.reshaped(to: [features.size(0), channels * Self.size * Self.size])
        let top = hidden.reduce(flat) { $1($0).relu() }
        return Output(logits: classes(top).cast(to: .float32), deltas: shift(top).cast(to: .float32))
    }

    var parameters: [NamedTensor] {
        hidden.enumerated().flatMap { $1.parameters(of: "hidden.\($0)") } + classes.parameters(of: "classes")
            + shift.parameters(of: "shift")
    }
}
