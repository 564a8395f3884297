import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// What turns maps of features into a score of each class at each place.
package protocol DenseHead: Buffered {
    /// - Parameter maps: `[images, channels, rows, columns]`, from the finest level to the coarsest.
    /// - Returns: `[images, classes, rows, columns]`, on the finest level's grid.
    func callAsFunction(_ maps: [Tensor], _ phase: Phase) -> Tensor
}

/// The kinds of trained heads.
package enum DenseHeadKind: String, SettingsChoice {
    /// Batch norm and one 1x1 convolution.
    case linear
    /// Top-down pyramid, a few convolutions a level, summed.
    case semanticFPN = "semantic-fpn"
    /// The same with pooling at several scales on top, joined.
    case uperNet = "upernet"
}

/// Drops channels, then scores each place by a 1x1 convolution: the end of every head.
///
/// First weights are normal with deviation 0.01, as in mmsegmentation's `conv_seg`.
struct ClassScores: Parameterized {
    let dropout: ChannelDropout
    let convolution: Convolution

    init(from channels: Int, classCount: Int, dropout: Double, place: UInt64, _ initializer: Initializer) {
        self.dropout = ChannelDropout(rate: dropout, place: place)
        convolution = Convolution(from: channels, to: classCount, start: .normal(0.01), initializer)
    }

    func callAsFunction(_ maps: Tensor, _ phase: Phase) -> Tensor { convolution(dropout(maps, phase)) }

    var parameters: [NamedTensor] { convolution.parameters }
}

/// Batch norm, then a 1x1 convolution: how linearly the classes lie in the features.
package struct LinearHead: DenseHead {
    let norm: BatchNorm
    let scores: ClassScores

    /// - Parameter channels: of all maps together; they stand side by side.
    package init(channels: Int, classCount: Int, _ initializer: Initializer) {
        norm = BatchNorm(channels: channels, initializer)
        scores = ClassScores(from: channels, classCount: classCount, dropout: 0, place: 0, initializer)
    }

    /// - Parameter maps: all of one size.
    package func callAsFunction(_ maps: [Tensor], _ phase: Phase) -> Tensor {
        scores(norm(.concatenated(maps, dimension: 1), phase), phase)
    }

    package var parameters: [NamedTensor] { norm.parameters(of: "norm") + scores.parameters(of: "scores") }
    package var buffers: [NamedTensor] { norm.buffers(of: "norm") }
}
