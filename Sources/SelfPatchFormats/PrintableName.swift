/// Names of files, tensors and the like as one line of text, whatever stands in them.
package enum PrintableName {
    /// The name with control characters and backslashes written as `\n`, `\t`, `\\`, `\u{1B}`.
    ///
    /// Two different names stay different, each stays on one line, and none can send commands to a terminal.
    package static func of(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") && $0 < 0x80 }
        if isPlain { return name }
        var text = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case "\\": text += "\\\\"
            case _ where scalar.properties.generalCategory == .control || isDirectional(scalar):
                text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// Marks that turn the direction of writing for what follows, the rest of the line included.
    private static func isDirectional(_ scalar: Unicode.Scalar) -> Bool {
        (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}
