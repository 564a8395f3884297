import Foundation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

@Suite struct OriginTests {
    func features(_ path: String, heads: Int? = 3) throws -> [Float] {
        let network = try LoadedWeights(path: path, options: .init(heads: heads)).network
        let view = Tensor.normal([2, 3, 20, 20], using: Generator(seed: 9))
        return network.features(of: view).patches.floats()
    }

    func largestDifference(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }

    /// Origins are told by names, shapes and containers.
    @Test func originsAreToldApart() throws {
        try withTemporaryFolder { folder in
            func origin(_ path: String) throws -> Origin {
                try ForeignWeights(CheckpointFiles(path: path), options: .init(heads: 3)).description.origin
            }
            let dino = DrawnCheckpoint()
            let authors = DrawnCheckpoint(hasClassToken: false, norm: .none)
            #expect(try origin(dino.write(to: "a.pth", in: folder)) == .dinoBackbone)
            #expect(try origin(dino.write(to: "a.safetensors", in: folder)) == .timm)
            #expect(try origin(authors.write(to: "b.pth", in: folder)) == .authorsBackbone)
            #expect(try origin(authors.write(to: "b.safetensors", in: folder)) == .authorsBackbone)
            #expect(try origin(dino.prefixed("state_dict.").write(to: "c.pth", in: folder)) == .dinoBackbone)
            var classifier = dino
            classifier.tensors["head.weight"] = .zeros([10, 24])
            classifier.tensors["head.bias"] = .zeros([10])
            #expect(try origin(classifier.write(to: "d.pth", in: folder)) == .timm)
            let pooled = DrawnCheckpoint(hasClassToken: false, norm: .pooled, registers: 2)
            #expect(try origin(pooled.write(to: "e.pth", in: folder)) == .timm)
            var training = dino.prefixed("teacher.backbone.")
            training.tensors["teacher.head.mlp.0.weight"] = .zeros([8, 24])
            #expect(try origin(training.write(to: "f.pth", in: folder)) == .dinoTraining)
            #expect(try origin(dino.huggingFace().write(to: "g.safetensors", in: folder)) == .huggingFaceViT)
            // timm's configuration speaks for timm whatever the container.
            try folder.write(#"{"architecture": "vit_tiny_patch16_224"}"#, to: "timm/config.json")
            #expect(try origin(authors.write(to: "timm/model.pth", in: folder)) == .timm)
        }
    }

    /// The same weights under other names give the same features.
    @Test func namesDoNotMatter() throws {
        try withTemporaryFolder { folder in
            let drawn = DrawnCheckpoint()
            let plain = try features(drawn.write(to: "a.pth", in: folder))
            for (index, other) in [
                drawn.huggingFace(), drawn.huggingFace(inMemory: true), drawn.huggingFace(prefix: "vit."),
            ].enumerated() {
                let name = "folder\(index)"
                try folder.write(
                    #"{"model_type": "vit", "layer_norm_eps": 1e-6, "num_attention_heads": 3, "hidden_size": 24}"#,
                    to: name + "/config.json")
                var other = other
                if index == 2 { other.tensors["classifier.weight"] = .zeros([7, 24]) }
                try other.write(to: name + "/model.safetensors", in: folder)
                let ours = try features(folder.file(name), heads: nil)
                #expect(largestDifference(plain, ours) < 1e-5, "\(name)")
            }
        }
    }

    @Test func partsAreFoundByTheirIndex() throws {
        try withTemporaryFolder { folder in
            let drawn = DrawnCheckpoint().huggingFace()
            let whole = try features(drawn.write(to: "whole.safetensors", in: folder))
            var map: [String: String] = [:]
            for part in 0..<2 {
                var half = drawn
                half.tensors = drawn.tensors.filter { ($0.key.count % 2 == 0) == (part == 0) }
                try half.write(to: "model/part-\(part).safetensors", in: folder)
                for name in half.tensors.keys { map[name] = "part-\(part).safetensors" }
            }
            func index(_ map: [String: String]) throws {
                let data = try JSONSerialization.data(withJSONObject: ["metadata": [:], "weight_map": map])
                try folder.write(data, to: "model/model.safetensors.index.json")
            }
            try index(map)
            #expect(try features(folder.file("model")) == whole)
            // The parts together, each with a header of its own.
            let sizes = try ["model/part-0", "model/part-1"].map {
                try CheckpointInspection(path: folder.file($0 + ".safetensors")).fileBytes
            }
            #expect(try CheckpointInspection(path: folder.file("model")).fileBytes == sizes[0] + sizes[1])
            for (name, words) in [
                ("../whole.safetensors", "without a plain name"), ("part-0.safetensors", "but it does not"),
                ("part-7.safetensors", "part-7.safetensors"),
            ] {
                var wrong = map
                let tensor = try #require(map.first { $0.value == "part-1.safetensors" }).key
                wrong[tensor] = name
                try index(wrong)
                let error = #expect(throws: UserError.self) { try CheckpointFiles(path: folder.file("model")) }
                #expect(error?.message.contains(words) == true, "\(String(describing: error))")
            }
        }
    }

    /// Named by itself, a part is called one, not a network with something missing.
    @Test func aPartAloneIsRefusedAsOne() throws {
        try withTemporaryFolder { folder in
            let drawn = DrawnCheckpoint().huggingFace()
            let part = try drawn.write(to: "model/model-00001-of-00003.safetensors", in: folder)
            for path in [part, folder.file("model")] {
                let error = #expect(throws: UserError.self) { try LoadedWeights(path: path) }
                #expect(error?.kind == .usage && error?.message.contains("it is part 1 of 3. Name the folder") == true)
            }
            #expect(try CheckpointInspection(path: part).problem?.contains("part 1 of 3") == true)
            let only = try drawn.write(to: "one/model-00001-of-00001.safetensors", in: folder)
            #expect(try LoadedWeights(path: only, options: .init(heads: 3)).description.origin == .huggingFaceViT)
        }
    }

    @Test(arguments: [ElementType.float16, .bfloat16, .float64])
    func otherTypesAreConverted(type: ElementType) throws {
        try withTemporaryFolder { folder in
            let drawn = DrawnCheckpoint()
            let cast = drawn.cast(to: type)
            for kind in ["pth", "safetensors"] {
                let path = try cast.write(to: "cast.\(kind)", in: folder)
                let loaded = try LoadedWeights(path: path, options: .init(heads: 3))
                #expect(loaded.notes.contains { $0.hasPrefix("Converted to F32") })
                let back = try features(cast.cast(to: .float32).write(to: "back.\(kind)", in: folder))
                #expect(try features(path) == back)
            }
        }
    }

    /// Heads: from a configuration, else from the option, else from the width; never without a word.
    @Test func headsComeFromWhereTheyAreSaid() throws {
        try withTemporaryFolder { folder in
            let path = try DrawnCheckpoint().write(to: "a.pth", in: folder)
            func heads(_ option: Int?) throws -> (Int, String) {
                let weights = try ForeignWeights(CheckpointFiles(path: path), options: .init(heads: option))
                return (weights.description.architecture.heads, weights.notes.joined())
            }
            #expect(try heads(4).0 == 4 && heads(4).1.contains("as --heads says"))
            #expect(try heads(nil).0 == 1 && heads(nil).1.contains("a guess"))
            #expect(throws: UserError.self) { try heads(5) }
            try folder.write(#"{"model_args": {"num_heads": 6}}"#, to: "config.json")
            #expect(try heads(nil).0 == 6 && heads(nil).1.contains("model_args in config.json"))
            #expect(try heads(6).0 == 6)
            let error = #expect(throws: UserError.self) { try heads(3) }
            #expect(error?.kind == .usage && error?.message.contains("config.json") == true)
        }
    }

    @Test func widthsThatTellNoHeadsAreAsked() throws {
        func found(_ width: Int, _ option: Int? = nil) throws -> Int {
            try AttentionHeads.found(nil, option: option, width: width, path: "w.pth").value
        }
        #expect(try found(384) == 6 && found(768) == 12 && found(64) == 1 && found(100, 5) == 5)
        let error = #expect(throws: UserError.self) { try found(100) }
        #expect(
            error?.message.contains("--heads") == true && error?.message.contains("1, 2, 4, 5, 10, 20, 25, 50") == true)
    }

    /// What ours has not is refused by its name, wherever it is.
    @Test(arguments: [
        ("blocks.0.attn.q_norm.weight", "norms on queries and keys"),
        ("norm_pre.weight", "a norm before the first block"),
        ("blocks.1.mlp.w12.weight", "gated MLPs"), ("attn_pool.q.weight", "attention pooling"),
        ("dist_token", "a distillation token"), ("blocks.0.attn.relative_position_bias_table", "relative positions"),
        ("rope.periods", "rotary positions"), ("patch_embed.backbone.conv.weight", "a convolutional network"),
    ])
    func partsOfOthersAreRefusedByName(tensor: String, words: String) throws {
        try withTemporaryFolder { folder in
            var drawn = DrawnCheckpoint()
            drawn.tensors[tensor] = .zeros([4])
            for options in [ForeignWeights.Options(heads: 3), .init(heads: 3, allowsMissing: true)] {
                let path = try drawn.write(to: "a.pth", in: folder)
                let error = #expect(throws: UserError.self) { try LoadedWeights(path: path, options: options) }
                #expect(error?.message.contains(words) == true && error?.message.contains(tensor) == true)
            }
        }
    }

    /// A table in the file's own names; what may be gone without is gone without on request.
    @Test func misfitsAreATableInTheFilesNames() throws {
        try withTemporaryFolder { folder in
            var drawn = DrawnCheckpoint().huggingFace()
            drawn.tensors["encoder.layer.1.layernorm_after.bias"] = nil
            drawn.tensors["encoder.layer.1.extra"] = .zeros([3])
            let path = try drawn.write(to: "a.safetensors", in: folder)
            let error = #expect(throws: UserError.self) { try LoadedWeights(path: path, options: .init(heads: 3)) }
            let message = error?.message ?? ""
            #expect(
                message.contains("encoder.layer.1.layernorm_after.bias [24]") && message.contains("--allow-missing"))
            #expect(message.contains("encoder.layer.1.extra [3]") && message.contains("Hugging Face"))
            let loaded = try LoadedWeights(path: path, options: .init(heads: 3, allowsMissing: true))
            let bias = try #require(loaded.network.parameters.first { $0.name == "backbone.blocks.1.norm2.bias" })
                .tensor
            #expect(bias.floats() == [Float](repeating: 0, count: 24))
            let notes = loaded.notes.joined(separator: "\n")
            #expect(notes.contains("encoder.layer.1.extra") && notes.contains("layernorm_after.bias"))
            // A matrix is never made up.
            drawn.tensors["encoder.layer.0.intermediate.dense.weight"] = nil
            let gone = try drawn.write(to: "b.safetensors", in: folder)
            #expect(throws: UserError.self) {
                try LoadedWeights(path: gone, options: .init(heads: 3, allowsMissing: true))
            }
        }
    }

    @Test func partsOfCheckpointsAreChosen() throws {
        try withTemporaryFolder { folder in
            var both = DrawnCheckpoint().prefixed("teacher.backbone.")
            let student = DrawnCheckpoint(seed: 2).prefixed("student.module.backbone.")
            both.tensors.merge(student.tensors) { first, _ in first }
            let path = try both.write(to: "a.pth", in: folder)
            func first(_ part: CheckpointPart?) throws -> [Float] {
                try LoadedWeights(path: path, options: .init(part: part, heads: 3)).network.parameters[1].tensor
                    .floats()
            }
            #expect(try first(nil) == first(.teacher) && first(nil) != first(.student))
            let single = try DrawnCheckpoint().write(to: "b.pth", in: folder)
            #expect(throws: UserError.self) {
                try LoadedWeights(path: single, options: .init(part: .student, heads: 3))
            }
            let two = try student.write(to: "c.pth", in: folder)
            #expect(throws: UserError.self) { try LoadedWeights(path: two, options: .init(part: .teacher, heads: 3)) }
            var several = DrawnCheckpoint().prefixed("model.")
            several.tensors.merge(DrawnCheckpoint().prefixed("model_ema.").tensors) { first, _ in first }
            let error = #expect(throws: UserError.self) {
                try LoadedWeights(path: several.write(to: "d.pth", in: folder), options: .init(heads: 3))
            }
            #expect(
                error?.message.contains("model., model_ema.") == true
                    || error?.message.contains("model_ema., model.") == true)
        }
    }

    /// Queries, keys and values without biases have zeros; a class token without a position is one of zeros.
    @Test func absentTermsAreZeros() throws {
        try withTemporaryFolder { folder in
            var drawn = DrawnCheckpoint()
            for block in 0..<2 { drawn.tensors["blocks.\(block).attn.qkv.bias"] = .zeros([72]) }
            drawn.tensors["pos_embed"] = drawn.tensors["pos_embed"].map {
                Tensor.concatenated([.zeros([1, 1, 24]), $0.narrowed(to: 1..<26, dimension: 1)], dimension: 1)
            }
            let explicit = try features(drawn.write(to: "a.safetensors", in: folder))
            for block in 0..<2 { drawn.tensors["blocks.\(block).attn.qkv.bias"] = nil }
            drawn.tensors["pos_embed"] = drawn.tensors["pos_embed"].map {
                $0.narrowed(to: 1..<26, dimension: 1).contiguous()
            }
            #expect(try features(drawn.write(to: "b.safetensors", in: folder)) == explicit)
        }
    }

    @Test func shapesAreThoseOfTheNetwork() {
        for architecture in PrefixTokenTests.architectures {
            for (heads, patchHead) in [(nil, false), (HeadSizes(imagePrototypes: 7, patchPrototypes: 5), true)] {
                let network = Network(architecture, heads: heads, patchHead: patchHead, seed: 0, device: .cpu)
                let shapes = ParameterShapes.all(architecture, heads, hasPatchHead: patchHead)
                #expect(shapes.map(\.name) == network.parameters.map(\.name))
                #expect(shapes.map(\.shape) == network.parameters.map(\.tensor.shape))
            }
        }
    }
}
