/// The sizes that names such as `vit_small` and `deit_tiny_patch16` stand for.
struct NamedArchitecture {
    let name: String
    let width: Int
    let depth: Int
    let heads: Int

    static let all = [
        NamedArchitecture(name: "tiny", width: 192, depth: 12, heads: 3),
        NamedArchitecture(name: "small", width: 384, depth: 12, heads: 6),
        NamedArchitecture(name: "base", width: 768, depth: 12, heads: 12),
        NamedArchitecture(name: "large", width: 1_024, depth: 24, heads: 16),
        NamedArchitecture(name: "huge", width: 1_280, depth: 32, heads: 16),
        NamedArchitecture(name: "giant", width: 1_408, depth: 40, heads: 16),
        NamedArchitecture(name: "gigantic", width: 1_664, depth: 48, heads: 16),
    ]

    /// The heads of a named architecture, believed only where the tensors have its width and depth.
    static func heads(of name: String, _ tensors: [String: StoredTensor]) -> Int? {
        let start = "backbone."
        let width = tensors[start + BackboneNames.landmark]?.shape.first
        let blocks = Set(tensors.keys.compactMap { BackboneNames.inBlock(String($0.dropFirst(start.count)))?.block })
        let words = name.split { "_-.".contains($0) }
        return all.first { size in
            words.contains { $0 == size.name } && size.width == width && size.depth == blocks.count
        }?.heads
    }
}
