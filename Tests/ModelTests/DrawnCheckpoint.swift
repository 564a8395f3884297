import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import TestSupport

/// A small network of random weights under the names of other programs.
struct DrawnCheckpoint {
    /// By DINO's names, which are timm's too.
    var tensors: [String: Tensor]

    static let width = 24

    /// Class token with a position, 5 x 5 patches of 4 x 4 pixels, two blocks, a norm on all tokens.
    init(hasClassToken: Bool = true, norm: Architecture.FinalNorm = .tokens, registers: Int = 0, seed: UInt64 = 1) {
        let architecture = Architecture(
            width: Self.width, depth: 2, heads: 3, hiddenWidth: 40, patchSize: 4,
            positionGrid: Grid(rows: 5, columns: 5),
            hasClassToken: hasClassToken, registerCount: registers, finalNorm: norm, imageSummary: .meanPatch)
        let generator = Generator(seed: seed)
        tensors = [:]
        for (name, shape) in ParameterShapes.all(architecture, nil, hasPatchHead: false) {
            let isGain = name.contains("norm") && name.hasSuffix("weight")
            let name = String(name.dropFirst("backbone.".count))
            tensors[name] = Tensor.normal(shape, mean: isGain ? 1 : 0, deviation: 0.2, using: generator)
        }
        if hasClassToken {
            let first = Tensor.normal([1, 1, Self.width], using: generator)
            tensors["pos_embed"] = tensors["pos_embed"].map { Tensor.concatenated([first, $0], dimension: 1) }
        }
    }

    /// Under the names of Hugging Face's ViT, or those that version 5 of its library has in memory.
    func huggingFace(inMemory: Bool = false, prefix: String = "") -> DrawnCheckpoint {
        let outside = [
            "pos_embed": "embeddings.position_embeddings", "cls_token": "embeddings.cls_token",
            "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
            "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
            "norm.weight": "layernorm.weight", "norm.bias": "layernorm.bias",
        ]
        let layers =
            inMemory
            ? [
                "norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.o_proj",
                "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
            ]
            : [
                "norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.output.dense",
                "mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense",
            ]
        let queries =
            inMemory
            ? ["attention.q_proj", "attention.k_proj", "attention.v_proj"]
            : ["attention.attention.query", "attention.attention.key", "attention.attention.value"]
        var renamed: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            if let other = outside[name] {
                renamed[prefix + other] = tensor
                continue
            }
            let parts = name.split(separator: ".").map(String.init)
            let start = prefix + (inMemory ? "layers." : "encoder.layer.") + parts[1] + "."
            let layer = parts[2..<parts.count - 1].joined(separator: ".")
            let ending = "." + (parts.last ?? "")
            if layer == "attn.qkv" {
                for (query, part) in zip(queries, tensor.split([24, 24, 24])) { renamed[start + query + ending] = part }
            } else if let other = layers[layer] {
                renamed[start + other + ending] = tensor
            }
        }
        var copy = self
        copy.tensors = renamed
        return copy
    }

    func prefixed(_ prefix: String) -> DrawnCheckpoint {
        var copy = self
        copy.tensors = Dictionary(uniqueKeysWithValues: tensors.map { (prefix + $0.key, $0.value) })
        return copy
    }

    func cast(to type: ElementType) -> DrawnCheckpoint {
        var copy = self
        copy.tensors = tensors.mapValues { $0.cast(to: type) }
        return copy
    }

    var items: [SafetensorsWriter.Item] {
        tensors.sorted { $0.key < $1.key }.map { SafetensorsWriter.Item(name: $0.key, tensor: $0.value) }
    }

    /// As a file whose name says which kind it is: `.pth` or `.safetensors`.
    @discardableResult
    func write(to name: String, in folder: TemporaryFolder) throws -> String {
        try folder.write("", to: name)
        let path = folder.file(name)
        if name.hasSuffix(".pth") {
            try PyTorchWriter.write(items, to: path)
        } else {
            try SafetensorsWriter.write(items, metadata: [:], to: path)
        }
        return path
    }
}
