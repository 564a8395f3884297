import Yams

extension SettingsTree {
    /// The tree as YAML text that reads back to the same tree.
    ///
    /// - Parameter describing: for a path, the text that is printed as a comment above it.
    package func yaml(describing: (String) -> String? = { _ in nil }) -> String {
        Self.lines(entries, prefix: "", indent: "", describing).joined(separator: "\n") + "\n"
    }

    private static func lines(
        _ entries: [Entry], prefix: String, indent: String, _ describing: (String) -> String?
    ) -> [String] {
        entries.flatMap { entry -> [String] in
            let path = prefix + entry.key
            var lines = describing(path).map { comment($0, indent: indent) } ?? []
            if case .section(let inner) = entry.value {
                lines.append("\(indent)\(entry.key):")
                lines += Self.lines(inner, prefix: path + ".", indent: indent + "  ", describing)
                if indent.isEmpty, !lines.isEmpty { lines.append("") }
            } else {
                lines.append("\(indent)\(entry.key): \(entry.value.text)")
            }
            return lines
        }
    }

    /// The text in lines of at most 110 characters, each with its `#`.
    private static func comment(_ text: String, indent: String) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            for word in paragraph.split(separator: " ") {
                if indent.count + line.count + word.count > 107, !line.isEmpty {
                    lines.append(line)
                    line = ""
                }
                line += line.isEmpty ? word : " " + word
            }
            lines.append(line)
        }
        return lines.map { "\(indent)# \($0)" }
    }
}

extension SettingsTree.Value {
    /// The value as it is written in YAML on one line.
    package var text: String {
        switch self {
        case .section(let entries): "{" + entries.map { "\($0.key): \($0.value.text)" }.joined(separator: ", ") + "}"
        case .list(let elements): "[" + elements.map(\.text).joined(separator: ", ") + "]"
        case .integer(let number): String(number)
        case .number(let number):
            number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
        case .truth(let value): value ? "true" : "false"
        case .text(let text): Self.needsQuotes(text) ? Self.quote(text) : text
        }
    }

    /// True unless the text reads back as itself without quotes, in every place where it may stand.
    private static func needsQuotes(_ text: String) -> Bool {
        let plain = text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_./+%= ".unicodeScalars.contains($0)
        }
        guard plain, let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return true }
        if " -=+%.".unicodeScalars.contains(first) || last == " " { return true }
        return Double(text) != nil
            || ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", "infinity"].contains(
                text.lowercased())
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\" + String(scalar)
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case ..<" ", "\u{7F}"..."\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}":
                let code = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The value for Yams' decoder.
    var node: Node {
        switch self {
        case .section(let entries): Node(entries.map { (Node($0.key, Tag(.str)), $0.value.node) }, Tag(.map))
        case .list(let elements): Node(elements.map(\.node), Tag(.seq))
        case .integer(let number): Node(String(number), Tag(.int))
        case .number(let number): Node(String(number), Tag(.float))
        case .truth(let value): Node(value ? "true" : "false", Tag(.bool))
        case .text(let text): Node(text, Tag(.str), .doubleQuoted)
        }
    }
}
