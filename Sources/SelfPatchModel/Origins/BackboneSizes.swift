import SelfPatchFormats
import SelfPatchTensors

/// What the shapes of a backbone's tensors show of its architecture. Nothing is allocated by these numbers before all shapes
/// have been compared with them.
struct BackboneSizes {
    let width: Int
    let depth: Int
    let hiddenWidth: Int
    let patchSize: Int
    let channels: Int
    let hasClassToken: Bool
    let registerCount: Int
    let finalNorm: Architecture.FinalNorm
    /// Queries, keys and values in one matrix, or in three.
    let hasJointQueries: Bool
    let hasQueryBias: Bool
    let hasLayerScale: Bool
    /// Entries of the position table, those of prefix tokens counted.
    let positionCount: Int

    init(of network: RecognizedNetwork, path: String) throws {
        let tensors = network.tensors
        func shape(_ name: String) -> [Int]? { tensors["backbone." + name]?.shape }
        func refusal(_ reason: String) -> UserError { UserError("Cannot use \(path): \(reason)") }

        let kernel = shape(BackboneNames.landmark) ?? []
        guard kernel.count == 4, kernel.allSatisfy({ (1...1_048_576).contains($0) }), kernel[2] == kernel[3] else {
            throw refusal(
                "its patch embedding has the shape \(kernel) instead of [width, channels, side, side].")
        }
        (width, channels, patchSize) = (kernel[0], kernel[1], kernel[2])

        guard let positions = shape("pos_embed") else {
            throw refusal(
                "it has no table of positions (pos_embed). Networks with rotary or other positions cannot be used.")
        }
        guard positions.count == 3, positions[0] == 1, positions[1] > 0, positions[2] == width else {
            throw refusal("its table of positions has the shape \(positions) instead of [1, positions, \(width)].")
        }
        positionCount = positions[1]

        let blockCount = try Self.depth(tensors, refusal)
        func isIn(_ rest: String) -> Bool { (0..<blockCount).contains { shape("blocks.\($0).\(rest)") != nil } }
        depth = blockCount
        hiddenWidth = shape("blocks.0.mlp.fc1.bias")?.first ?? shape("blocks.0.mlp.fc1.weight")?.first ?? 0
        if let expand = tensors["backbone.blocks.0.mlp.fc1.weight"], let contract = shape("blocks.0.mlp.fc2.weight"),
            expand.shape.count == 2, contract.count == 2, contract[0] == width, expand.shape[1] == width,
            expand.shape[0] == 2 * contract[1]
        {
            throw UnsupportedParts.refusal("gated MLPs", expand, path)
        }
        hasJointQueries = isIn("attn.qkv.weight") || !isIn("attn.q.weight")
        hasQueryBias = isIn("attn.qkv.bias") || isIn("attn.q.bias") || isIn("attn.v.bias")
        hasLayerScale = isIn("ls1.gamma") || isIn("ls2.gamma")
        hasClassToken = shape("cls_token") != nil
        registerCount = shape("reg_token").map { $0.count == 3 ? $0[1] : 0 } ?? 0
        guard (0...1_024).contains(registerCount), hiddenWidth > 0 else {
            throw refusal("its tensors have sizes that no network has.")
        }
        switch (shape("norm.weight") != nil, shape("fc_norm.weight") != nil) {
        case (false, false): finalNorm = .none
        case (true, false): finalNorm = .tokens
        case (false, true): finalNorm = .pooled
        case (true, true):
            throw refusal("its network has two final norms, on all tokens (norm) and after pooling (fc_norm).")
        }
    }

    var prefixCount: Int { (hasClassToken ? 1 : 0) + registerCount }

    /// Blocks are numbered without gaps; their number is counted, never believed.
    private static func depth(
        _ tensors: [String: StoredTensor], _ refusal: (String) -> UserError
    ) throws -> Int {
        let start = "backbone."
        let numbers = Set(tensors.keys.compactMap { BackboneNames.inBlock(String($0.dropFirst(start.count)))?.block })
        guard let last = numbers.max() else { throw refusal("it has no blocks.") }
        guard last == numbers.count - 1 else {
            let missing = (0...).first { !numbers.contains($0) } ?? 0
            throw refusal("it has a block \(last), but no block \(missing).")
        }
        return numbers.count
    }

    /// The grid of the position table, and how many of the table's first entries belong to prefix tokens.
    ///
    /// - Parameter stated: the grid that a configuration tells; else the table is taken to be square.
    func grid(_ stated: Stated<Grid>?, path: String) throws -> (grid: Grid, prefix: Int) {
        // All prefix tokens, the class token alone, or none have entries.
        let possible = [prefixCount, hasClassToken ? 1 : 0, 0]
        if let stated {
            let grid = stated.value
            // Not multiplied: a configuration may say anything.
            let fits = grid.rows > 0 && grid.columns > 0 && positionCount / grid.rows >= grid.columns
            guard fits, possible.contains(positionCount - grid.count) else {
                throw UserError(
                    "Cannot use \(path): \(stated.source) says that the grid is \(grid), but the table of positions has "
                        + "\(positionCount) entries\(prefixCount > 0 ? " for it and up to \(prefixCount) other tokens" : "")."
                )
            }
            return (grid, positionCount - grid.count)
        }
        for prefix in possible {
            let side = Int(Double(positionCount - prefix).squareRoot().rounded())
            if side > 0, side * side == positionCount - prefix { return (Grid(rows: side, columns: side), prefix) }
        }
        throw UserError(
            "Cannot use \(path): its table of positions has \(positionCount) entries, which no square grid has, and no "
                + "configuration beside it tells the grid.")
    }
}
