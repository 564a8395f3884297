import Foundation
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// Says a network in ONNX's operators: the same sums as `VisionTransformer` and `AggregationModule`, layer by layer, with their
/// parameters' names.
///
/// Written for opset 17, so GELU is spelt out by the error function and attention by its products; runtimes know both forms
/// and fuse them.
struct ONNXNetwork {
    var graph = ONNXGraph(name: "selfpatch")
    /// Whether every weight is a finite number in the model's type.
    private(set) var isFinite = true
    let network: Network
    let options: ONNXOptions
    private var numbers: [String: ONNXGraph.Value] = [:]

    init(_ network: Network, _ options: ONNXOptions) {
        self.network = network
        self.options = options
    }

    private var architecture: Architecture { network.architecture }
    private var type: ONNXGraph.ElementType { options.number == .float16 ? .float16 : .float32 }

    /// - Parameter size: of the images in pixels; nil for any.
    mutating func build(for size: (height: Int, width: Int)?) {
        let a = architecture
        let sides =
            size.map { [ONNXGraph.Size.fixed($0.height), .fixed($0.width)] } ?? [.any("height"), .any("width")]
        let images = graph.input("images", type, [.any("batch"), .fixed(a.channels)] + sides)
        var tokens = embedded(images, size)
        for block in network.backbone.blocks { tokens = self.block(block, tokens, "blocks.\(block.index)") }
        if a.finalNorm == .tokens, let norm = network.backbone.norm { tokens = normed(tokens, norm, "norm") }
        let patches = a.prefixCount > 0 ? narrowed(tokens, from: a.prefixCount, "tokens.patches") : tokens
        if options.output != .patches {
            let summary = summary(images, tokens, patches)
            _ = graph.add("Identity", [summary], name: "image_summary")
            graph.output("image_summary", type, [.any("batch"), .fixed(a.width)])
        }
        if options.output != .summary {
            let count = size.map {
                ONNXGraph.Size.fixed(Grid(height: $0.height, width: $0.width, patchSize: a.patchSize).count)
            }
            _ = graph.add("Identity", [patches], name: "patches")
            graph.output("patches", type, [.any("batch"), count ?? .any("patches"), .fixed(a.width)])
        }
    }

    // MARK: The network's parts

    private mutating func embedded(_ images: ONNXGraph.Value, _ size: (height: Int, width: Int)?) -> ONNXGraph.Value {
        let (embedding, side) = (network.backbone.patchEmbedding, architecture.patchSize)
        let map = graph.add(
            "Conv",
            [
                images, weight("patch_embed.proj.weight", embedding.weight),
                weight("patch_embed.proj.bias", embedding.bias),
            ],
            [("kernel_shape", .ints([side, side])), ("strides", .ints([side, side]))], name: "patch_embed.proj")
        let shape = graph.constant("patch_embed.shape", [0, architecture.width, -1])
        let rows = graph.add("Reshape", [map, shape], name: "patch_embed.columns")
        let patches = graph.add("Transpose", [rows], [("perm", .ints([0, 2, 1]))], name: "patch_embed")
        let places = size.map { fixedPositions($0) } ?? resizedPositions(images, map)
        let tokens = graph.add("Add", [patches, places], name: "patch_embed.placed")
        guard let prefix = network.backbone.prefix else { return tokens }
        let first = Tensor.concatenated(
            [prefix.classToken, prefix.registers].compactMap { $0?.detached() }, dimension: 1)
        let copies = copied(weight("prefix_tokens", first), images, "prefix_tokens.copies")
        return graph.add("Concat", [copies, tokens], [("axis", .int(1))], name: "tokens")
    }

    private mutating func fixedPositions(_ size: (height: Int, width: Int)) -> ONNXGraph.Value {
        let grid = Grid(height: size.height, width: size.width, patchSize: architecture.patchSize)
        let table = withoutGradients {
            network.backbone.positions.resized(to: grid, viewIsSquare: size.height == size.width)
        }
        return weight("pos_embed", table)
    }

    private mutating func resizedPositions(_ images: ONNXGraph.Value, _ map: ONNXGraph.Value) -> ONNXGraph.Value {
        let table = ONNXPositions(network.backbone.positions).add(to: &self, images: images, map: map)
        return type == .float32
            ? table : graph.add("Cast", [table], [("to", .int(Int(type.rawValue)))], name: "pos_embed.cast")
    }

    private mutating func block(_ block: Block, _ tokens: ONNXGraph.Value, _ name: String) -> ONNXGraph.Value {
        let attention = block.attention
        let normed = normed(tokens, block.attentionNorm, name + ".norm1")
        let joint = linear(normed, attention.queryKeyValue, name + ".attn.qkv")
        let width = architecture.width
        let widths = constant("attn.widths", [width, width, width])
        let parts = graph.add(
            "Split", [joint, widths], [("axis", .int(2))], names: ["q", "k", "v"].map { "\(name).attn.\($0)" })
        let attended = attended(query: parts[0], key: parts[1], value: parts[2], name + ".attn")
        let added = linear(attended, attention.projection, name + ".attn.proj")
        let x = graph.add("Add", [tokens, added], name: name + ".attended")
        return graph.add("Add", [x, mlp(x, block.mlpNorm, block.mlp, name)], name: name)
    }

    private mutating func summary(
        _ images: ONNXGraph.Value, _ tokens: ONNXGraph.Value, _ patches: ONNXGraph.Value
    ) -> ONNXGraph.Value {
        if let aggregation = network.aggregation { return self.aggregation(aggregation, images, patches) }
        if architecture.imageSummary == .classToken {
            let first = graph.constant("class_token.index", .int64, [], Data(count: 8))
            return graph.add("Gather", [tokens, first], [("axis", .int(1))], name: "class_token")
        }
        let mean = graph.add(
            "ReduceMean", [patches], [("axes", .ints([1])), ("keepdims", .int(0))], name: "mean_patch")
        guard architecture.finalNorm == .pooled, let norm = network.backbone.norm else { return mean }
        return normed(mean, norm, "fc_norm")
    }

    private mutating func aggregation(
        _ aggregation: AggregationModule, _ images: ONNXGraph.Value, _ patches: ONNXGraph.Value
    ) -> ONNXGraph.Value {
        var token = copied(weight("ca_head.cls_token", aggregation.classToken), images, "ca_head.cls_tokens")
        for (index, block) in aggregation.blocks.enumerated() {
            let name = "ca_head.cls_blocks.\(index)"
            let all = graph.add("Concat", [token, patches], [("axis", .int(1))], name: name + ".tokens")
            let normed = normed(all, block.attentionNorm, name + ".norm1")
            let own = narrowed(normed, to: 1, name + ".own")
            let attended = attended(
                query: linear(own, block.query, name + ".attn.q"), key: linear(normed, block.key, name + ".attn.k"),
                value: linear(normed, block.value, name + ".attn.v"), name + ".attn")
            let added = linear(attended, block.projection, name + ".attn.proj")
            let x = graph.add("Add", [token, added], name: name + ".attended")
            token = graph.add("Add", [x, mlp(x, block.mlpNorm, block.mlp, name)], name: name)
        }
        let normed = normed(token, aggregation.norm, "ca_head.norm")
        return graph.add("Squeeze", [normed, constant("axis.1", [1])], name: "ca_head")
    }

    // MARK: Layers

    private mutating func attended(
        query: ONNXGraph.Value, key: ONNXGraph.Value, value: ONNXGraph.Value, _ name: String
    ) -> ONNXGraph.Value {
        let (heads, width) = (architecture.heads, architecture.width)
        let shape = constant("attn.heads", [0, 0, heads, width / heads])
        func split(_ graph: inout ONNXGraph, _ tokens: ONNXGraph.Value, _ order: [Int]) -> ONNXGraph.Value {
            let parts = graph.add("Reshape", [tokens, shape], name: tokens + ".heads")
            return graph.add("Transpose", [parts], [("perm", .ints(order))], name: tokens + ".turned")
        }
        let scale = number(1 / Double(width / heads).squareRoot())
        let scaled = graph.add("Mul", [split(&graph, query, [0, 2, 1, 3]), scale], name: name + ".scaled")
        let keys = split(&graph, key, [0, 2, 3, 1])
        let logits = graph.add("MatMul", [scaled, keys], name: name + ".logits")
        let weights = graph.add("Softmax", [logits], [("axis", .int(-1))], name: name + ".weights")
        let values = split(&graph, value, [0, 2, 1, 3])
        let sum = graph.add("MatMul", [weights, values], name: name + ".sum")
        let turned = graph.add("Transpose", [sum], [("perm", .ints([0, 2, 1, 3]))], name: name + ".back")
        return graph.add("Reshape", [turned, constant("attn.joined", [0, 0, width])], name: name + ".joined")
    }

    private mutating func mlp(
        _ tokens: ONNXGraph.Value, _ norm: LayerNorm, _ mlp: MLP, _ block: String
    ) -> ONNXGraph.Value {
        let name = block + ".mlp"
        let hidden = linear(normed(tokens, norm, block + ".norm2"), mlp.expand, name + ".fc1")
        // x (1 + erf(x / sqrt 2)) / 2, in the order that runtimes look for.
        let ratio = graph.add("Div", [hidden, number(2.0.squareRoot())], name: name + ".ratio")
        let erf = graph.add("Erf", [ratio], name: name + ".erf")
        let sum = graph.add("Add", [erf, number(1)], name: name + ".erf_plus_1")
        let product = graph.add("Mul", [hidden, sum], name: name + ".twice")
        let active = graph.add("Mul", [product, number(0.5)], name: name + ".gelu")
        return linear(active, mlp.contract, name + ".fc2")
    }

    private mutating func linear(_ input: ONNXGraph.Value, _ layer: Linear, _ name: String) -> ONNXGraph.Value {
        let matrix = weight(name + ".weight", layer.weight.detached().transposed())
        let product = graph.add("MatMul", [input, matrix], name: name + ".product")
        return graph.add("Add", [product, weight(name + ".bias", layer.bias)], name: name)
    }

    private mutating func normed(_ input: ONNXGraph.Value, _ norm: LayerNorm, _ name: String) -> ONNXGraph.Value {
        graph.add(
            "LayerNormalization", [input, weight(name + ".weight", norm.weight), weight(name + ".bias", norm.bias)],
            [("axis", .int(-1)), ("epsilon", .float(Float(norm.epsilon)))], name: name)
    }

    /// Tokens `[1, n, width]` once for each image.
    private mutating func copied(_ tokens: ONNXGraph.Value, _ images: ONNXGraph.Value, _ name: String)
        -> ONNXGraph.Value
    {
        let batch = graph.add("Shape", [images], [("start", .int(0)), ("end", .int(1))], name: name + ".batch")
        let shape = graph.add("Concat", [batch, constant("ones", [1, 1])], [("axis", .int(0))], name: name + ".shape")
        return graph.add("Expand", [tokens, shape], name: name)
    }

    /// Tokens from one number up to another.
    private mutating func narrowed(
        _ tokens: ONNXGraph.Value, from first: Int = 0, to end: Int = .max, _ name: String
    ) -> ONNXGraph.Value {
        let bounds = [graph.constant(name + ".first", [first]), graph.constant(name + ".end", [end])]
        return graph.add("Slice", [tokens] + bounds + [constant("axis.1", [1])], name: name)
    }

    // MARK: Constants

    /// A weight in the model's type.
    private mutating func weight(_ name: String, _ tensor: Tensor) -> ONNXGraph.Value {
        let values = tensor.detached().cast(to: options.number == .float16 ? .float16 : .float32)
        isFinite = isFinite && values.isFinite
        return graph.constant(name, type, tensor.shape, values.withBytes { Data($0) })
    }

    /// A number in the model's type, once for all that use it.
    private mutating func number(_ value: Double) -> ONNXGraph.Value {
        if let known = numbers["\(value)"] { return known }
        let name = weight("number.\(value)", .full([], value: value))
        numbers["\(value)"] = name
        return name
    }

    /// Whole numbers, once for all that use them.
    mutating func constant(_ name: String, _ values: [Int]) -> ONNXGraph.Value {
        if let known = numbers[name] { return known }
        numbers[name] = graph.constant(name, values)
        return name
    }
}
