import Foundation
import SelfPatchFormats
import SelfPatchTensors

/// All that is needed beside the numbers to use a network: how it is built, and what it was shown.
public struct WeightsDescription: Equatable, Sendable {
    public var architecture: Architecture
    /// The heads in the file; nil where it has none.
    package var heads: HeadSizes?
    /// Whether there is a patch head among them.
    package var hasPatchHead: Bool
    /// What pixels in 0...1 were normalised with, one number a channel.
    public var mean: [Double]
    public var deviation: [Double]
    /// Height and width in pixels of the views that it was trained on, the global ones.
    public var viewSize: [Int]
    /// Training steps behind it; 0 where another program trained it.
    public var steps: Int
    /// Which program trained it.
    public var origin: Origin

    package init(
        architecture: Architecture, heads: HeadSizes?, hasPatchHead: Bool, mean: [Double], deviation: [Double],
        viewSize: [Int], steps: Int, origin: Origin = .selfpatch
    ) {
        self.architecture = architecture
        self.heads = heads
        self.hasPatchHead = hasPatchHead
        self.mean = mean
        self.deviation = deviation
        self.viewSize = viewSize
        self.steps = steps
        self.origin = origin
    }

    /// What stands in a file's metadata as `format`.
    package static let format = "selfpatch weights 1"

    /// Whether a file says that it is ours.
    package static func isIn(_ file: SafetensorsFile) -> Bool { file.metadata["format"] == format }

    /// The strings for a file's metadata: each a JSON value, so that other programs can read them too.
    package func metadata() throws -> [String: String] {
        var metadata = [
            "format": Self.format, "architecture": try Self.json(architecture),
            "has_patch_head": try Self.json(hasPatchHead),
            "mean": try Self.json(mean), "deviation": try Self.json(deviation), "view_size": try Self.json(viewSize),
            "steps": try Self.json(steps), "origin": origin.rawValue,
        ]
        if let heads { metadata["heads"] = try Self.json(heads) }
        return metadata
    }

    /// Reads what a file says of itself.
    ///
    /// - Throws: `UserError` if it says nothing, or something else than we write.
    package init(_ file: SafetensorsFile) throws {
        func value<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value {
            guard let text = file.metadata[name], let value = try? JSONDecoder().decode(type, from: Data(text.utf8))
            else {
                throw UserError(
                    "Cannot use \(file.path): it does not describe its network (its metadata lack a valid '\(name)').")
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
        origin =
            try file.metadata["origin"].map { name in
                guard let origin = Origin(rawValue: name) else {
                    throw UserError(
                        "Cannot use \(file.path): it is of an origin that is not known here, '\(PrintableName.of(name))'."
                    )
                }
                return origin
            } ?? .selfpatch
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
