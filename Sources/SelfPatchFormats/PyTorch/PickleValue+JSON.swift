extension PickleValue {
    /// The plain values of a tree without its tensors: what a checkpoint says in words and numbers. Nil where nothing is left.
    ///
    /// Lists and dictionaries with more than `longest` members, such as an optimizer's, are left out.
    public func plainValues(longest: Int = 256) -> JSONValue? {
        switch self {
        case .none: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .double(let value): return .double(value)
        case .string(let value): return .string(value)
        case .bytes, .largeInt, .tensor: return nil
        case .list(let items), .tuple(let items), .set(let items):
            guard items.count <= longest else { return nil }
            let plain = items.compactMap { $0.plainValues(longest: longest) }
            return plain.isEmpty && !items.isEmpty ? nil : .array(plain)
        case .dictionary(let pairs): return Self.object(pairs, longest)
        case .object(let object):
            if !object.attributes.isEmpty { return Self.object(object.attributes, longest) }
            return .string(object.className)
        }
    }

    private static func object(_ pairs: [Pair], _ longest: Int) -> JSONValue? {
        guard pairs.count <= longest else { return nil }
        var members: [String: JSONValue] = [:]
        for pair in pairs {
            guard let value = pair.value.plainValues(longest: longest) else { continue }
            switch pair.key {
            case .string(let key): members[key] = value
            case .int(let key): members[String(key)] = value
            default: break
            }
        }
        return members.isEmpty && !pairs.isEmpty ? nil : .object(members)
    }
}
