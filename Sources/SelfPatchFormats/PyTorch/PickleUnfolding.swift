/// Turns the values that a pickle left, which refer to each other, into a tree.
///
/// A value that holds itself is refused, and so is nesting beyond the limit. A value that is used in several places costs
/// memory once but counts as often as it appears, since whoever walks the tree meets it that often: thirty lists, each of
/// which holds the one before it ten times, are 10^30 values.
struct PickleUnfolding {
    private let nodes: [PickleReader.Node]
    private let limits: PickleReader.Limits
    /// Containers that are finished, with the number of values in them.
    private var finished: [PickleReader.Handle: (value: PickleValue, size: Int)] = [:]
    /// Containers around the one at hand.
    private var path: Set<PickleReader.Handle> = []

    static func value(
        of root: PickleReader.Handle, in nodes: [PickleReader.Node], limits: PickleReader.Limits
    ) throws -> PickleValue {
        var unfolding = PickleUnfolding(nodes: nodes, limits: limits)
        return try unfolding.value(root).value
    }

    private init(nodes: [PickleReader.Node], limits: PickleReader.Limits) {
        self.nodes = nodes
        self.limits = limits
    }

    // Calls itself once for each level, and there are few: `limits.depth`.
    private mutating func value(_ handle: PickleReader.Handle) throws -> (value: PickleValue, size: Int) {
        switch nodes[Int(handle)] {
        case .none: return (.none, 1)
        case .bool(let value): return (.bool(value), 1)
        case .int(let value): return (.int(value), 1)
        case .largeInt(let value): return (.largeInt(value), 1)
        case .double(let value): return (.double(value), 1)
        // Long text counts for more: whoever compares it, or makes longer names of it, pays by its length.
        case .string(let value): return (.string(value), 1 + value.utf8.count / 64)
        case .bytes(let value): return (.bytes(value), 1 + value.count / 64)
        case .tensor(let index): return (.tensor(index), 1)
        case .global(.constant(let name)): return (.object(.init(className: name)), 1)
        case .numpyType(let code, _):
            return (.object(.init(className: "numpy.dtype", arguments: [.string(code)])), 1)
        case .global: throw FileRefusal(.badPickle, "its pickle holds a function or class as a value")
        case .storage: throw FileRefusal(.badStorage, "its pickle holds a storage that belongs to no tensor")
        case .list, .tuple, .set, .dictionary, .object: return try container(handle)
        }
    }

    private mutating func container(_ handle: PickleReader.Handle) throws -> (value: PickleValue, size: Int) {
        if let known = finished[handle] { return known }
        guard path.insert(handle).inserted else {
            throw FileRefusal(.recursive, "its pickle holds a value that contains itself")
        }
        guard path.count <= limits.depth else {
            throw FileRefusal(.tooDeep, "its pickle has more than \(limits.depth) values inside each other")
        }
        defer { path.remove(handle) }
        var size = 1
        let value: PickleValue
        switch nodes[Int(handle)] {
        case .list(let items): value = .list(try values(items, &size))
        case .tuple(let items): value = .tuple(try values(items, &size))
        case .set(let items): value = .set(try values(items, &size))
        case .dictionary(let items): value = .dictionary(try pairs(items, &size))
        case .object(let name, let arguments, let state):
            var made: [PickleValue] = []
            var attributes: [PickleValue.Pair] = []
            if let arguments, case .tuple(let items) = try element(arguments, &size) { made = items }
            if let state, case .dictionary(let items) = try element(state, &size) { attributes = items }
            value = .object(.init(className: name, arguments: made, attributes: attributes))
        default: preconditionFailure("only containers come here")
        }
        finished[handle] = (value, size)
        return (value, size)
    }

    private mutating func element(_ handle: PickleReader.Handle, _ size: inout Int) throws -> PickleValue {
        let (value, own) = try value(handle)
        size += own
        guard size <= limits.values else {
            throw FileRefusal(
                .tooLarge, "its pickle unfolds to more than \(limits.values) values, most of them the same ones again")
        }
        return value
    }

    private mutating func values(_ handles: [PickleReader.Handle], _ size: inout Int) throws -> [PickleValue] {
        var values: [PickleValue] = []
        values.reserveCapacity(handles.count)
        for handle in handles { values.append(try element(handle, &size)) }
        return values
    }

    private mutating func pairs(
        _ handles: [PickleReader.Handle], _ size: inout Int
    ) throws -> [PickleValue.Pair] {
        var pairs: [PickleValue.Pair] = []
        pairs.reserveCapacity(handles.count / 2)
        var keys: Set<PickleValue> = []
        keys.reserveCapacity(handles.count / 2)
        for index in stride(from: 0, to: handles.count - 1, by: 2) {
            let key = try element(handles[index], &size)
            guard Self.isKey(key) else { throw FileRefusal(.badPickle, "its pickle has a dictionary with an odd key") }
            guard keys.insert(key).inserted else {
                throw FileRefusal(.badPickle, "its pickle has a dictionary with the same key twice")
            }
            pairs.append(PickleValue.Pair(key, try element(handles[index + 1], &size)))
        }
        return pairs
    }

    /// Plain values, and tuples of plain values.
    private static func isKey(_ value: PickleValue) -> Bool {
        switch value {
        case .none, .bool, .int, .double, .string, .bytes: true
        case .tuple(let items):
            items.allSatisfy {
                if case .tuple = $0 { return false }
                return isKey($0)
            }
        default: false
        }
    }
}
