import Yams

/// Lays what a user wrote over a schema, refusing what the schema does not have.
struct SettingsOverlay {
    typealias Value = SettingsTree.Value
    typealias Entry = SettingsTree.Entry

    let schema: [Entry]
    /// The file or option, for messages.
    let source: String
    /// Whether messages name lines, which only a file has.
    var hasLines = true

    /// The schema's entries with the values of a YAML document.
    func applying(_ root: Node) throws -> [Entry] {
        try section(schema, root, path: "")
    }

    /// The schema's entries with one value replaced.
    func setting(_ keys: [String], to text: String) throws -> [Entry] {
        try setting(keys[...], to: text, within: schema, path: "")
    }

    private func setting(_ keys: ArraySlice<String>, to text: String, within entries: [Entry], path: String) throws
        -> [Entry]
    {
        var entries = entries
        let key = keys.first ?? ""
        guard let index = entries.firstIndex(where: { $0.key == key }) else {
            throw unknown(path + keys.joined(separator: "."), at: key, within: path, mark: nil)
        }
        switch entries[index].value {
        case .section(let inner):
            guard keys.count > 1 else { throw noValue(path + key, inner, mark: nil) }
            entries[index].value = .section(
                try setting(keys.dropFirst(), to: text, within: inner, path: path + key + "."))
        case let old:
            guard keys.count == 1 else {
                throw unknown(path + keys.joined(separator: "."), at: keys.last ?? "", within: path, mark: nil)
            }
            // A text is taken as it stands; everything else is read as YAML, so lists work: [1, 2].
            if case .text = old {
                entries[index].value = .text(text)
            } else {
                guard let node = try? Yams.compose(yaml: text) else { throw wrong(path + key, old, text, mark: nil) }
                entries[index].value = try value(old, node, path: path + key)
            }
        }
        return entries
    }

    private func section(_ entries: [Entry], _ node: Node, path: String) throws -> [Entry] {
        guard let mapping = node.mapping else {
            if path.isEmpty {
                throw UserError("\(source): settings are lines of 'name: value', grouped in sections.", kind: .usage)
            }
            throw noValue(String(path.dropLast()), entries, mark: node.mark)
        }
        var entries = entries
        for (key, inner) in mapping {
            guard let name = key.scalar?.string else {
                throw UserError("\(place(key.mark))a name was expected here.", kind: .usage)
            }
            guard let index = entries.firstIndex(where: { $0.key == name }) else {
                throw unknown(path + name, at: name, within: path, mark: key.mark)
            }
            // A section whose lines are all commented out.
            if case .section = entries[index].value, inner.null != nil { continue }
            entries[index].value = try value(entries[index].value, inner, path: path + name)
        }
        return entries
    }

    /// The node as a value of the same kind as the old one.
    private func value(_ old: Value, _ node: Node, path: String) throws -> Value {
        switch old {
        case .section(let entries):
            return .section(try section(entries, node, path: path + "."))
        case .list(let elements):
            guard let sequence = node.sequence else { throw wrong(path, old, node.scalar?.string, mark: node.mark) }
            return .list(
                try sequence.enumerated().map { index, element in
                    try value(elements.first ?? .text(""), element, path: "\(path)[\(index)]")
                })
        case .integer, .number, .truth, .text:
            guard let scalar = node.scalar, let value = Self.scalar(like: old, scalar) else {
                throw wrong(path, old, node.scalar?.string, mark: node.mark)
            }
            return value
        }
    }

    private static func scalar(like old: Value, _ scalar: Node.Scalar) -> Value? {
        let isPlain = scalar.style == .plain || scalar.style == .any
        switch old {
        case .integer: return isPlain ? Int(scalar.string.filter { $0 != "_" }).map(Value.integer) : nil
        case .number:
            guard isPlain, let number = Double(scalar.string.filter { $0 != "_" }), number.isFinite else { return nil }
            return .number(number)
        case .truth:
            switch scalar.string.lowercased() {
            case "true", "yes", "on": return .truth(true)
            case "false", "no", "off": return .truth(false)
            default: return nil
            }
        case .text: return .text(scalar.string)
        case .section, .list: return nil
        }
    }

    private func place(_ mark: Mark?) -> String {
        guard hasLines, let mark else { return "\(source): " }
        return "\(source), line \(mark.line): "
    }

    private func wrong(_ path: String, _ old: Value, _ given: String?, mark: Mark?) -> UserError {
        let instead = given.map { ", not '\($0)'" } ?? ""
        return UserError(
            "\(place(mark))setting '\(path)' takes \(old.kind) such as \(old.text)\(instead).", kind: .usage)
    }

    private func noValue(_ path: String, _ entries: [Entry], mark: Mark?) -> UserError {
        UserError(
            "\(place(mark))'\(path)' is a section of settings and takes no value itself; it has "
                + entries.map { "'\(path).\($0.key)'" }.joined(separator: ", ") + ".", kind: .usage)
    }

    /// - Parameters:
    ///   - path: the whole unknown path.
    ///   - key: its first part that the schema does not have.
    ///   - parent: the path up to that part, with its dot; empty at the top.
    private func unknown(_ path: String, at key: String, within parent: String, mark: Mark?) -> UserError {
        let all = SettingsTree.paths(schema, prefix: "", withSections: true)
        let leaf = path.split(separator: ".").last.map(String.init) ?? path
        func lastPart(_ path: String) -> String { path.split(separator: ".").last.map(String.init) ?? path }
        let siblings = all.filter { $0.hasPrefix(parent) && !$0.dropFirst(parent.count).contains(".") }
        let nearest =
            NearestName.of(parent + key, among: siblings, comparing: lastPart)
            ?? NearestName.of(path, among: all, comparing: { $0 })
            ?? NearestName.of(leaf, among: all, comparing: lastPart)
        let suggestion =
            nearest.map { "Did you mean '\($0)'?" }
            ?? "There are: \(siblings.map { "'\($0)'" }.joined(separator: ", "))."
        return UserError("\(place(mark))unknown setting '\(path)'. \(suggestion)", kind: .usage)
    }
}

extension SettingsTree.Value {
    /// What kind of value this is, for messages: "a whole number" ...
    var kind: String {
        switch self {
        case .section: "a section"
        case .list(let elements):
            switch elements.first {
            case .integer: "a list of whole numbers"
            case .number: "a list of numbers"
            default: "a list"
            }
        case .integer: "a whole number"
        case .number: "a number"
        case .truth: "true or false"
        case .text: "a text"
        }
    }
}
