/// What an ONNX model takes and gives.
public struct ONNXOptions: Equatable, Sendable {
    /// What the model gives.
    public enum Output: String, CaseIterable, Sendable {
        /// `image_summary`, `[batch, width]`.
        case summary
        /// `patches`, `[batch, patches, width]`, row by row.
        case patches
        case both
    }

    /// The numbers of weights, input and output.
    public enum Number: String, CaseIterable, Sendable {
        case float32
        /// Half the file; norms and positions are reckoned in float32 all the same.
        case float16
    }

    /// Which images the model takes: `[batch, channels, height, width]`, normalised.
    public enum ImageSize: Equatable, Sendable {
        /// That of the views that the network was trained on.
        case own
        /// In pixels.
        case fixed(height: Int, width: Int)
        /// Any that holds a patch; positions are resized in the graph, by the network's own rule.
        case any
    }

    public var output = Output.both
    public var number = Number.float32
    public var imageSize = ImageSize.own

    public init() {}
}
