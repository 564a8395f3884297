import Foundation
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors

/// All that is needed beside the numbers to use a network: how it is built, and what it was shown.
public struct WeightsDescription: Equatable, Sendable {
    public var architecture: Architecture
    /// The heads in the file; nil where it has none.
    public var heads: HeadSizes?
    /// Whether there is a patch head among them.
    public var hasPatchHead: Bool
    /// What pixels in 0...1 were normalised with, one number a channel.
    public var mean: [Double]
    public var deviation: [Double]
    /// Height and width in pixels of the views that it was trained on, the global ones.
    public var viewSize: [Int]
    /// Training steps behind it.
    public var steps: Int

    public init(
        architecture: Architecture, heads: HeadSizes?, hasPatchHead: Bool, mean: [Double], deviation: [Double],
        viewSize: [Int], steps: Int
    ) {
        self.architecture = architecture
        self.heads = heads
        self.hasPatchHead = hasPatchHead
        self.mean = mean
        self.deviation = deviation
        self.viewSize = viewSize
        self.steps = steps
    }

    /// What stands in a file's metadata as `format`.
    public static let format = "selfpatch weights 1"

    /// The strings for a file's metadata: each a JSON value, so that other programs can read them too.
    public func metadata() throws -> [String: String] {
        var metadata = [
            "format": Self.format, "architecture": try Self.json(architecture),
            "has_patch_head": try Self.json(hasPatchHead),
            "mean": try Self.json(mean), "deviation": try Self.json(deviation), "view_size": try Self.json(viewSize),
            "steps": try Self.json(steps),
        ]
        if let heads { metadata["heads"] = try Self.json(heads) }
        return metadata
    }

    /// Reads what a file says of itself.
    ///
    /// - Throws: `UserError` if it says nothing, or something else than we write.
    public init(_ file: SafetensorsFile) throws {
        func value<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value {
            guard let text = file.metadata[name], let value = try? JSONDecoder().decode(type, from: Data(text.utf8))
            else {
                throw UserError(
                    "Cannot use \(file.path): it does not describe its network (its metadata lack a valid '\(name)'). "
                        + "Weights of other programs have to be imported first.")
            }
            return value
        }
        architecture = try value("architecture", Architecture.self)
        heads = file.metadata["heads"] == nil ? nil : try value("heads", HeadSizes.self)
        hasPatchHead = try value("has_patch_head", Bool.self)
        mean = try value("mean", [Double].self)
        deviation = try value("deviation", [Double].self)
        viewSize = try value("view_size", [Int].self)
        steps = try value("steps", Int.self)
        try validate(path: file.path)
    }

    /// Numbers from a file decide what is allocated, so they are looked at first.
    private func validate(path: String) throws {
        let a = architecture
        let sizes = [
            a.width, a.depth, a.heads, a.hiddenWidth, a.patchSize, a.channels, a.positionGrid.rows,
            a.positionGrid.columns,
        ]
        let headSizes = heads.map { [$0.imagePrototypes, $0.patchPrototypes, $0.hiddenWidth, $0.bottleneck] } ?? []
        guard (sizes + headSizes + viewSize).allSatisfy({ (1...16_777_216).contains($0) }), a.depth <= 1_000,
            a.width <= 65_536, a.width % a.heads == 0, a.normEpsilon > 0, mean.count == a.channels,
            deviation.count == a.channels, viewSize.count == 2, deviation.allSatisfy({ $0 > 0 }),
            (0...1_024).contains(a.registerCount), a.hasClassToken || a.imageSummary != .classToken
        else {
            throw UserError("Cannot use \(path): its description of the network contradicts itself.")
        }
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Reads and writes networks as safetensors files, with the authors' parameter names.
public enum WeightsFile {
    /// Writes a network; whole or not at all.
    public static func write(_ network: Network, _ description: WeightsDescription, to path: String) throws {
        let items = network.parameters.map { SafetensorsWriter.Item(name: $0.name, tensor: $0.tensor) }
        try SafetensorsWriter.write(items, metadata: description.metadata(), to: path)
    }

    /// Reads a network.
    ///
    /// - Parameters:
    ///   - prefix: what stands before the parameters' names, as "teacher." in a checkpoint of a run.
    ///   - withHeads: also build and read the projection heads, where the file has them.
    /// - Throws: `UserError` with a table of missing, unexpected and misshapen parameters.
    public static func read(
        _ path: String, prefix: String = "", withHeads: Bool = false, device: Device = .cpu
    ) throws -> (network: Network, description: WeightsDescription) {
        let file = try SafetensorsFile(path: path)
        if file.hasChecksum { try file.verifyChecksum() }
        let description = try WeightsDescription(file)
        let heads = withHeads ? description.heads : nil
        func check(_ wanted: [(name: String, shape: [Int])], ignoring: [String]?) throws {
            let mismatch = Mismatch(wanted: wanted, file: file, prefix: prefix, ignoring: ignoring)
            if !mismatch.isEmpty {
                throw UserError("\(path) does not hold the network that it describes.\n\(mismatch)")
            }
        }
        // The large tensors first: a network is only built where the file has the bytes to fill it.
        try check(largeTensors(description.architecture, heads, description.hasPatchHead), ignoring: nil)
        let network = Network(
            description.architecture, heads: heads, patchHead: description.hasPatchHead, seed: 0, device: device)
        try check(
            network.parameters.map { ($0.name, $0.tensor.shape) }, ignoring: withHeads ? [] : ["c_head.", "p_head."])
        try restore(network.parameters, from: file, prefix: prefix)
        return (network, description)
    }

    /// Names and shapes of the tensors that make up nearly all of a network.
    private static func largeTensors(
        _ architecture: Architecture, _ heads: HeadSizes?, _ hasPatchHead: Bool
    ) -> [(name: String, shape: [Int])] {
        let width = architecture.width
        var tensors: [(name: String, shape: [Int])] = [
            ("backbone.pos_embed", [1, architecture.positionGrid.count, width]),
            (
                "backbone.patch_embed.proj.weight",
                [width, architecture.channels, architecture.patchSize, architecture.patchSize]
            ),
        ]
        for block in 0..<architecture.depth {
            tensors.append(("backbone.blocks.\(block).attn.qkv.weight", [3 * width, width]))
            tensors.append(("backbone.blocks.\(block).mlp.fc1.weight", [architecture.hiddenWidth, width]))
        }
        if let heads {
            var parts = [("c_head", heads.imagePrototypes)]
            if hasPatchHead { parts.append(("p_head", heads.patchPrototypes)) }
            for (name, prototypes) in parts {
                tensors.append(("\(name).mlp.0.weight", [heads.hiddenWidth, width]))
                tensors.append(("\(name).mlp.2.weight", [heads.hiddenWidth, heads.hiddenWidth]))
                tensors.append(("\(name).last_layer.weight_v", [prototypes, heads.bottleneck]))
            }
        }
        return tensors
    }

    /// Overwrites tensors with those of a file.
    ///
    /// - Throws: `UserError` with a table of missing, unexpected and misshapen tensors; nothing is changed then.
    public static func restore(_ tensors: [NamedTensor], from file: SafetensorsFile, prefix: String = "") throws {
        let mismatch = Mismatch(
            wanted: tensors.map { ($0.name, $0.tensor.shape) }, file: file, prefix: prefix, ignoring: nil)
        if !mismatch.isEmpty { throw UserError("\(file.path) does not fit the network.\n\(mismatch)") }
        withoutGradients {
            for named in tensors {
                guard let entry = file[prefix + named.name] else { continue }  // Checked above.
                named.tensor.copy(from: Tensor.load(entry, from: file).moved(to: named.tensor.device))
            }
        }
    }

    /// What does not agree between the tensors that are wanted and those of a file.
    public struct Mismatch: CustomStringConvertible {
        public let missing: [(name: String, shape: [Int])]
        public let unexpected: [(name: String, shape: [Int])]
        public let misshapen: [(name: String, wanted: [Int], found: [Int])]
        public let mistyped: [(name: String, found: String)]

        public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty && mistyped.isEmpty }

        /// - Parameter ignoring: starts of names that may be left over in the file; nil: all may.
        public init(wanted: [(name: String, shape: [Int])], file: SafetensorsFile, prefix: String, ignoring: [String]?)
        {
            let names = Set(wanted.map(\.name))
            missing = wanted.filter { file[prefix + $0.name] == nil }
            misshapen = wanted.compactMap { wanted in
                guard let found = file[prefix + wanted.name]?.shape, found != wanted.shape else { return nil }
                return (wanted.name, wanted.shape, found)
            }
            mistyped = wanted.compactMap { wanted in
                guard let found = file[prefix + wanted.name]?.elementType, found != .f32 else { return nil }
                return (wanted.name, found.rawValue)
            }
            unexpected =
                ignoring.map { ignoring in
                    file.entries.compactMap { entry -> (name: String, shape: [Int])? in
                        guard entry.name.hasPrefix(prefix) else { return nil }
                        let name = String(entry.name.dropFirst(prefix.count))
                        return names.contains(name) || ignoring.contains { name.hasPrefix($0) }
                            ? nil : (name, entry.shape)
                    }
                } ?? []
        }

        /// One line a parameter; long lists are cut.
        public var description: String {
            var lines: [String] = []
            func list(_ title: String, _ rows: [String]) {
                guard !rows.isEmpty else { return }
                lines.append("  \(title) (\(rows.count)):")
                lines += rows.prefix(12).map { "    \($0)" }
                if rows.count > 12 { lines.append("    and \(rows.count - 12) more") }
            }
            list("missing", missing.map { "\($0.name) \($0.shape)" })
            list("unexpected", unexpected.map { "\($0.name) \($0.shape)" })
            list("of another shape", misshapen.map { "\($0.name): \($0.found) instead of \($0.wanted)" })
            list("of another type", mistyped.map { "\($0.name): \($0.found) instead of F32" })
            return lines.joined(separator: "\n")
        }
    }
}
