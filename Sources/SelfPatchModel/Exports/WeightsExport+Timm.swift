import Foundation
import SelfPatchFormats

extension WeightsExport {
    /// A folder with `model.safetensors` and `config.json`, for `timm.create_model('local-dir:FOLDER', pretrained=True)` and
    /// transformers' `AutoModel.from_pretrained(FOLDER)`, which know the arguments from it.
    func writeTimm(to folder: String) throws -> [String] {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw UserError("Cannot make the folder \(folder): \(error.localizedDescription)")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let configuration = try encoder.encode(timmConfiguration)
        let items = backbone.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }
        // Some releases of transformers refuse a file without the format.
        try SafetensorsWriter.write(items, metadata: ["format": "pt"], to: folder + "/model.safetensors")
        try AtomicFile.write(configuration + Data("\n".utf8), to: folder + "/config.json")
        let arguments = timmArguments.map { "\($0.name)=\(python($0.value))" }.joined(separator: ", ")
        return [
            "timm.create_model('local-dir:\(folder)', pretrained=True)",
            "The same by hand: timm.models.vision_transformer.VisionTransformer(\(arguments), num_classes=0)",
            architecture.finalNorm == .none
                ? "timm has final_norm from 1.0.15 on; in older ones set model.norm = torch.nn.Identity() before loading."
                : nil,
            architecture.normEpsilon == 1e-6
                ? nil
                : "config.json has no place for the norms' epsilon, \(architecture.normEpsilon) here and 1e-6 in timm: for the same "
                    + "features say norm_layer=functools.partial(torch.nn.LayerNorm, eps=\(architecture.normEpsilon)) too.",
            gridNote(.antialiasedSize, "timm"),
        ].compactMap { $0 } + lostSummary
    }

    /// What the tensors do not tell a program that has the sizes of a name, in the order of timm's own list.
    private var timmArguments: [(name: String, value: JSONValue)] {
        let a = architecture
        var arguments: [(String, JSONValue)] = [
            ("img_size", .array([.int(ownSize.height), .int(ownSize.width)])), ("patch_size", .int(a.patchSize)),
            ("in_chans", .int(a.channels)), ("embed_dim", .int(a.width)), ("depth", .int(a.depth)),
            ("num_heads", .int(a.heads)), ("mlp_ratio", .double(hiddenRatio)), ("class_token", .bool(a.hasClassToken)),
            ("global_pool", .string(timmPool)),
        ]
        if a.prefixCount > 0 { arguments.append(("no_embed_class", .bool(true))) }
        if a.registerCount > 0 { arguments.append(("reg_tokens", .int(a.registerCount))) }
        switch a.finalNorm {
        case .none: arguments.append(("final_norm", .bool(false)))
        case .tokens: arguments.append(("fc_norm", .bool(false)))
        case .pooled: arguments.append(("fc_norm", .bool(true)))
        }
        return arguments
    }

    private var timmPool: String { architecture.imageSummary == .classToken ? "token" : "avg" }

    private var timmConfiguration: JSONValue {
        let a = architecture
        // A name that timm knows; the arguments override its sizes.
        let size = Architecture.Size.allCases.first { $0 != .nano && $0.width == a.width } ?? .tiny
        return .object([
            "architecture": .string("vit_\(size.rawValue)_patch16_224"), "num_classes": .int(0),
            "num_features": .int(a.width), "global_pool": .string(timmPool),
            "model_args": .object(Dictionary(uniqueKeysWithValues: timmArguments.map { ($0.name, $0.value) })),
            "pretrained_cfg": .object([
                "input_size": .array([.int(a.channels), .int(ownSize.height), .int(ownSize.width)]),
                "fixed_input_size": .bool(true), "interpolation": .string("bicubic"), "crop_pct": .double(0.875),
                "crop_mode": .string("center"), "mean": .array(description.mean.map(JSONValue.double)),
                "std": .array(description.deviation.map(JSONValue.double)), "num_classes": .int(0),
                "first_conv": .string("patch_embed.proj"), "classifier": .string("head"),
            ]),
        ])
    }

    private func python(_ value: JSONValue) -> String {
        switch value {
        case .bool(let value): value ? "True" : "False"
        case .string(let value): "'\(value)'"
        case .array(let values): "(" + values.map(python).joined(separator: ", ") + ")"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .null, .object: preconditionFailure("no argument of timm's is \(value)")
        }
    }
}
