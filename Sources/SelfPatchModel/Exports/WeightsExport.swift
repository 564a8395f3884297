import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// A network on its way to another program: written in that program's names, with what its user has to say there.
///
/// One file a format lies beside this one. What a format has no place for is refused by its name, or left out and said so.
public struct WeightsExport {
    /// Where weights can go.
    public enum Format: String, CaseIterable, Sendable {
        /// A file of ours, without projection heads.
        case safetensors
        /// A folder that timm and transformers load as it is.
        case timm
        /// A PyTorch file with the names of SelfPatch's authors, as their detection configuration expects it.
        case authors
        /// A PyTorch file with the names of mmsegmentation's own Vision Transformer.
        case mmseg
        /// The same for the authors' fork of mmsegmentation.
        case mmsegAuthors = "mmseg-authors"
        /// A model for ONNX Runtime and whatever else runs ONNX.
        case onnx
    }

    /// What the graph of an ONNX model is to be; other formats have no graph.
    public var onnx = ONNXOptions()
    let network: Network
    let description: WeightsDescription

    /// Takes weights as they were read.
    public init(_ weights: LoadedWeights) { self.init(weights.network, weights.description) }

    package init(_ network: Network, _ description: WeightsDescription) {
        self.network = network
        self.description = description
    }

    /// Writes the network, each file whole or not at all.
    ///
    /// - Parameter path: a file; for `timm` a folder, which is made where it is missing.
    /// - Returns: what to say to the other program and what was left out, a sentence or a line of code each.
    /// - Throws: `UserError` where the format has no place for a part of the network, or a file cannot be written.
    public func write(as format: Format, to path: String) throws -> [String] {
        switch format {
        case .safetensors: try writeOwn(to: path)
        case .timm: try writeTimm(to: path)
        case .authors: try writeAuthors(to: path)
        case .mmseg: try writeMMSeg(.stock, to: path)
        case .mmsegAuthors: try writeMMSeg(.authors, to: path)
        case .onnx: try writeONNX(to: path)
        }
    }

    private func writeOwn(to path: String) throws -> [String] {
        var description = description
        (description.heads, description.hasPatchHead) = (nil, false)
        let features = network.parameters.filter { !$0.name.hasPrefix("c_head.") && !$0.name.hasPrefix("p_head.") }
        let items = features.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }
        try SafetensorsWriter.write(items, metadata: description.metadata(), to: path)
        return features.count < network.parameters.count
            ? ["Left out: the projection heads, which no feature needs."] : []
    }

    // MARK: What the formats share

    var architecture: Architecture { description.architecture }

    /// Height and width in pixels of the views that the position table was made for.
    var ownSize: (height: Int, width: Int) {
        let (grid, side) = (architecture.positionGrid, architecture.patchSize)
        return (grid.rows * side, grid.columns * side)
    }

    /// The backbone's parameters by the authors' names.
    var backbone: [NamedTensor] { network.backbone.parameters }

    /// The ratio that gives the hidden width when a program multiplies by it and cuts off the fraction.
    package var hiddenRatio: Double {
        let (width, hidden) = (architecture.width, architecture.hiddenWidth)
        let ratio = Double(hidden) / Double(width)
        return Int(Double(width) * ratio) == hidden ? ratio : ratio.nextUp
    }

    /// What is said of an image summary that a format has no place for; empty where the network has none of its own.
    var lostSummary: [String] {
        architecture.imageSummary == .aggregation
            ? [
                "Left out: the aggregation module. The image summary stays in safetensors and ONNX; here there are patches."
            ] : []
    }

    /// - Parameter rule: how the other program resizes positions.
    func gridNote(_ rule: PositionRule?, _ program: String) -> String {
        let (height, width) = ownSize
        let same = "The features are the same for images of \(height) x \(width) pixels"
        return rule == architecture.positionRule
            ? "\(same) and of every other size."
            : "\(same). For other sizes \(program) resizes positions by another rule than \(architecture.positionRule.rawValue)."
    }

    /// - Throws: `UserError` that names what the program's network has not.
    func requireBackboneOfAuthors(_ program: String) throws {
        let a = architecture
        var parts: [String] = []
        if a.hasClassToken { parts.append("a class token") }
        if a.registerCount > 0 { parts.append("\(a.registerCount) registers") }
        if a.finalNorm != .none { parts.append("a final norm") }
        guard parts.isEmpty else {
            throw UserError(
                "This network has \(parts.joined(separator: ", ")), and \(program) has not. --to timm and --to onnx have.",
                kind: .usage)
        }
    }
}
