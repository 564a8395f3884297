/// Names for the tensors of a tree: the keys, places in lists and attributes that lead to them, joined by dots. No two
/// are the same: a tree in which they would be is refused.
enum TensorNames {
    /// Checkpoints have thousands of tensors; a tree in which one tensor appears a million times is none.
    static let mostTensors = 200_000
    static let mostBytes = 16 << 20

    static func list(below value: PickleValue) throws -> [(name: String, index: Int)] {
        var collector = Collector()
        try collector.collect(value)
        return collector.found
    }

    private struct Collector {
        var found: [(name: String, index: Int)] = []
        private var names: Set<String> = []
        private var bytes = 0
        private var path: [String] = []

        // Calls itself once for each level, and the reader allows few.
        mutating func collect(_ value: PickleValue) throws {
            switch value {
            case .tensor(let index):
                let name = path.joined(separator: ".")
                bytes += name.utf8.count
                guard found.count < mostTensors, bytes <= mostBytes else {
                    throw FileRefusal(
                        .tooLarge,
                        "its tensors appear more than \(mostTensors) times, or under names of more than "
                            + "\(mostBytes) bytes")
                }
                guard names.insert(name).inserted else {
                    throw FileRefusal(.duplicate, "two ways lead to a tensor of the name \(quoted(name))")
                }
                found.append((name, index))
            case .dictionary(let pairs): try collect(pairs)
            case .object(let object): try collect(object.attributes)
            case .list(let items), .tuple(let items), .set(let items):
                for (index, item) in items.enumerated() where mayHoldTensors(item) {
                    path.append(String(index))
                    try collect(item)
                    path.removeLast()
                }
            default: break
            }
        }

        private mutating func collect(_ pairs: [PickleValue.Pair]) throws {
            for pair in pairs where mayHoldTensors(pair.value) {
                path.append(text(pair.key))
                try collect(pair.value)
                path.removeLast()
            }
        }

        private func mayHoldTensors(_ value: PickleValue) -> Bool {
            switch value {
            case .tensor, .dictionary, .object, .list, .tuple, .set: true
            default: false
            }
        }

        private func text(_ key: PickleValue) -> String {
            switch key {
            case .string(let text): text
            case .int(let number): String(number)
            case .bool(let flag): flag ? "True" : "False"
            case .double(let number): String(number)
            case .none: "None"
            default: "?"
            }
        }
    }
}
