import SelfPatchFormats
import SelfPatchTensors

extension WeightsExport {
    /// One file with the network as a graph of ONNX's own operators. Everything that a user must know lies in its metadata too.
    func writeONNX(to path: String) throws -> [String] {
        let size: (height: Int, width: Int)? =
            switch onnx.imageSize {
            case .own: (description.viewSize[0], description.viewSize[1])
            case .fixed(let height, let width): (height, width)
            case .any: nil
            }
        let side = architecture.patchSize
        if let size, size.height < side || size.width < side {
            throw UserError(
                "Images of \(size.height) x \(size.width) pixels hold no patch of \(side) x \(side).", kind: .usage)
        }
        var builder = ONNXNetwork(network, onnx)
        builder.build(for: size)
        guard builder.isFinite else {
            throw UserError(
                "Weights of this network are not finite as \(onnx.number.rawValue): they are damaged or too large for it. "
                    + "--type float32 has more room.")
        }
        var metadata = try description.metadata()
        (metadata["heads"], metadata["has_patch_head"]) = (nil, nil)
        metadata["input"] =
            "images [batch, channels, height, width]: RGB pixels in 0...1, from which mean is subtracted, over deviation"
        try builder.graph.write(metadata: metadata, to: path)
        let given = onnx.number.rawValue
        let sizes = size.map { "\($0.height), \($0.width)" } ?? "height, width"
        var sentences = [
            "images [batch, \(architecture.channels), \(sizes)] \(given): (pixels / 255 - mean) / deviation, mean "
                + "\(description.mean), deviation \(description.deviation)"
        ]
        if onnx.output != .patches { sentences.append("image_summary [batch, \(architecture.width)] \(given)") }
        if onnx.output != .summary {
            let count = size.map { String(backboneGrid($0).count) } ?? "patches"
            sentences.append("patches [batch, \(count), \(architecture.width)] \(given)")
        }
        return sentences
    }

    private func backboneGrid(_ size: (height: Int, width: Int)) -> Grid {
        Grid(height: size.height, width: size.width, patchSize: architecture.patchSize)
    }
}
