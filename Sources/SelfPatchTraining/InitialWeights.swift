import SelfPatchFormats
import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors

/// Weights that a run begins with, fitted to its network: what is taken, what is left out, what is made freshly.
///
/// Weights of any origin will do. What has no place in SelfPatch's network (class token, registers, final norm) is left out; what
/// is missing (aggregation module, projection heads) stays as it was drawn. Position table and patch embedding are resized
/// where the settings allow it. Everything else must fit.
package struct InitialWeights {
    /// What was done, in sentences.
    package let notes: [String]
    private let values: [String: Tensor]

    /// Fits weights to a run.
    ///
    /// - Parameters:
    ///   - network: with its projection heads, where it has some.
    ///   - path: where it comes from, for messages.
    ///   - notes: what was said when it was read.
    /// - Throws: `UserError` that lists what does not fit and the settings that would.
    package init(
        _ network: Network, _ description: WeightsDescription, path: String, notes: [String] = [],
        for settings: PretrainSettings
    ) throws {
        let (theirs, ours) = (network.architecture, settings.architecture)
        try Self.requireFit(theirs, ours, settings, path: path)
        let wanted = ParameterShapes.all(ours, settings.heads, hasPatchHead: settings.objective.hasPatchLoss)
        let found = Dictionary(network.parameters.map { ($0.name, $0.tensor) }) { first, _ in first }
        var values: [String: Tensor] = [:]
        var resized: [String] = []
        for (name, shape) in wanted {
            guard let value = found[name] else { continue }
            switch name {
            case "backbone.pos_embed" where theirs.positionGrid != ours.positionGrid:
                values[name] = network.backbone.resizedPositions(to: ours.positionGrid)
                resized.append("positions from \(theirs.positionGrid) to \(ours.positionGrid)")
            case "backbone.patch_embed.proj.weight" where theirs.patchSize != ours.patchSize:
                values[name] = network.backbone.resizedPatchKernel(to: ours.patchSize)
                resized.append("patch embedding from \(theirs.patchSize) to \(ours.patchSize) pixels")
            default:
                if value.shape == shape { values[name] = value }
            }
        }
        // A part is taken whole or not at all.
        for part in ["ca_head.", "c_head.", "p_head."] {
            let names = wanted.map(\.name).filter { $0.hasPrefix(part) }
            if names.contains(where: { values[$0] == nil }) { names.forEach { values[$0] = nil } }
        }
        self.values = values
        let fresh = wanted.map(\.name).filter { values[$0] == nil }
        let left = network.parameters.map(\.name).filter { values[$0] == nil }
        self.notes =
            notes + [
                "The run begins with \(values.count) of its \(wanted.count) tensors from \(path), \(description.origin)."
            ]
            + (resized.isEmpty ? [] : ["Resized: \(resized.joined(separator: "; "))."])
            + (left.isEmpty ? [] : ["Left out, no place here: \(Self.listed(left))."])
            + (fresh.isEmpty ? [] : ["Freshly made: \(Self.listed(fresh))."])
            + Self.differences(description, settings)
    }

    /// Overwrites a network's parameters, as far as there are values for them.
    package func fill(_ network: Network) {
        withoutGradients {
            for parameter in network.parameters {
                if let value = values[parameter.name] { parameter.tensor.copy(from: value) }
            }
        }
    }

    private static func requireFit(
        _ theirs: Architecture, _ ours: Architecture, _ settings: PretrainSettings, path: String
    ) throws {
        var misfits: [String] = []
        var remedies: [String] = []
        for (name, own, other, remedy) in [
            ("model.width", ours.width, theirs.width, "model.width=\(theirs.width)"),
            ("model.depth", ours.depth, theirs.depth, "model.depth=\(theirs.depth)"),
            ("model.heads", ours.heads, theirs.heads, "model.heads=\(theirs.heads)"),
            (
                "the MLPs' hidden width", ours.hiddenWidth, theirs.hiddenWidth,
                "model.mlpRatio=\(Double(theirs.hiddenWidth) / Double(theirs.width))"
            ),
        ] where own != other {
            misfits.append("\(name) is \(own) in the run and \(other) in the weights")
            remedies.append(remedy)
        }
        if ours.channels != theirs.channels {
            misfits.append(
                "images have \(ours.channels) channels in the run (views.mean) and \(theirs.channels) in the weights")
        }
        if !settings.initial.resize {
            if ours.patchSize != theirs.patchSize {
                misfits.append(
                    "patches are \(ours.patchSize) pixels wide in the run and \(theirs.patchSize) in the weights")
            }
            if ours.positionGrid != theirs.positionGrid {
                misfits.append(
                    "the global view's grid is \(ours.positionGrid) in the run and the table of positions \(theirs.positionGrid)"
                )
            }
            if ours.patchSize != theirs.patchSize || ours.positionGrid != theirs.positionGrid {
                remedies.append("initial.resize=true")
            }
        }
        guard misfits.isEmpty else {
            throw UserError(
                "The run cannot begin with \(path):\n" + misfits.map { "  \($0)" }.joined(separator: "\n")
                    + (remedies.isEmpty
                        ? "" : "\nThese would do: \(remedies.map { "--set \($0)" }.joined(separator: " "))"),
                kind: .usage)
        }
    }

    /// What the run does otherwise than whoever trained the weights, though all tensors fit.
    private static func differences(_ description: WeightsDescription, _ settings: PretrainSettings) -> [String] {
        var sentences: [String] = []
        if description.mean != settings.views.mean || description.deviation != settings.views.deviation {
            sentences.append(
                "The weights were trained on pixels of mean \(description.mean) and deviation \(description.deviation), the run's "
                    + "views.mean and views.deviation are \(settings.views.mean) and \(settings.views.deviation).")
        }
        let (theirs, ours) = (description.architecture, settings.architecture)
        if theirs.normEpsilon != ours.normEpsilon {
            sentences.append("Norms add \(ours.normEpsilon) to the variance here, not \(theirs.normEpsilon).")
        }
        if theirs.positionRule != ours.positionRule {
            sentences.append(
                "Positions of other grids are resized by the rule \(ours.positionRule.rawValue) here, not by "
                    + "\(theirs.positionRule.rawValue).")
        }
        return sentences
    }

    /// Parts by their first names, single tensors by their whole ones: "ca_head (33 tensors), backbone.cls_token".
    private static func listed(_ names: [String]) -> String {
        let parts = ["ca_head", "c_head", "p_head"]
        let whole = parts.compactMap { part -> String? in
            let count = names.filter { $0.hasPrefix(part + ".") }.count
            return count > 0 ? "\(part) (\(count) tensors)" : nil
        }
        return (whole + names.filter { name in !parts.contains { name.hasPrefix($0 + ".") } }).joined(separator: ", ")
    }
}
