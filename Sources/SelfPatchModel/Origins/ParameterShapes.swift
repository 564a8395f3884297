import SelfPatchFormats

/// Names and shapes of a network's parameters, without the network: what a file must hold before one is built of it.
package enum ParameterShapes {
    package typealias Named = (name: String, shape: [Int])

    /// In the order of `Network.parameters`.
    package static func all(_ architecture: Architecture, _ heads: HeadSizes?, hasPatchHead: Bool) -> [Named] {
        var all = backbone(architecture)
        if architecture.imageSummary == .aggregation { all += aggregation(architecture) }
        guard let heads else { return all }
        all += head("c_head", architecture.width, heads.imagePrototypes, heads)
        return hasPatchHead ? all + head("p_head", architecture.width, heads.patchPrototypes, heads) : all
    }

    private static func backbone(_ a: Architecture) -> [Named] {
        var all: [Named] = [
            ("pos_embed", [1, a.positionGrid.count, a.width]),
            ("patch_embed.proj.weight", [a.width, a.channels, a.patchSize, a.patchSize]),
            ("patch_embed.proj.bias", [a.width]),
        ]
        if a.hasClassToken { all.append(("cls_token", [1, 1, a.width])) }
        if a.registerCount > 0 { all.append(("reg_token", [1, a.registerCount, a.width])) }
        for block in 0..<a.depth {
            let start = "blocks.\(block)."
            all += norm(start + "norm1", a) + linear(start + "attn.qkv", a.width, 3 * a.width)
            all += linear(start + "attn.proj", a.width, a.width)
            all += norm(start + "norm2", a) + mlp(start + "mlp", a)
        }
        switch a.finalNorm {
        case .none: break
        case .tokens: all += norm("norm", a)
        case .pooled: all += norm("fc_norm", a)
        }
        return all.map { ("backbone." + $0.name, $0.shape) }
    }

    private static func aggregation(_ a: Architecture) -> [Named] {
        var all: [Named] = [("cls_token", [1, 1, a.width])]
        for block in 0..<AggregationModule.blockCount {
            let start = "cls_blocks.\(block)."
            all += norm(start + "norm1", a)
            for part in ["q", "k", "v", "proj"] { all += linear(start + "attn." + part, a.width, a.width) }
            all += norm(start + "norm2", a) + mlp(start + "mlp", a)
        }
        return (all + norm("norm", a)).map { ("ca_head." + $0.name, $0.shape) }
    }

    private static func head(_ name: String, _ width: Int, _ prototypes: Int, _ sizes: HeadSizes) -> [Named] {
        linear("\(name).mlp.0", width, sizes.hiddenWidth)
            + linear("\(name).mlp.2", sizes.hiddenWidth, sizes.hiddenWidth)
            + linear("\(name).mlp.4", sizes.hiddenWidth, sizes.bottleneck) + [
                ("\(name).last_layer.weight_g", [prototypes, 1]),
                ("\(name).last_layer.weight_v", [prototypes, sizes.bottleneck]),
            ]
    }

    private static func linear(_ name: String, _ input: Int, _ output: Int) -> [Named] {
        [(name + ".weight", [output, input]), (name + ".bias", [output])]
    }

    private static func norm(_ name: String, _ a: Architecture) -> [Named] {
        [(name + ".weight", [a.width]), (name + ".bias", [a.width])]
    }

    private static func mlp(_ name: String, _ a: Architecture) -> [Named] {
        linear(name + ".fc1", a.width, a.hiddenWidth) + linear(name + ".fc2", a.hiddenWidth, a.width)
    }

    /// Refuses a file that describes a larger backbone than it holds: a network is only built where there are bytes to fill it.
    package static func requireBackbone(of architecture: Architecture, in file: SafetensorsFile) throws {
        let backbone = all(architecture, nil, hasPatchHead: false).filter {
            $0.name.hasPrefix("backbone.")
        }
        for (name, shape) in backbone where file[name]?.shape != shape {
            let found = file[name].map { "\($0.shape)" } ?? "nothing"
            throw UserError(
                "Cannot use \(file.path): it describes a backbone whose \(name) is \(shape), and holds \(found).")
        }
    }
}
