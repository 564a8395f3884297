import SelfPatchFormats

/// The number of attention heads, which no tensor shows: another number gives other features without a word.
package enum AttentionHeads {
    /// - Parameters:
    ///   - stated: what a configuration beside or inside the file says.
    ///   - option: what a person says.
    /// - Returns: the number, and by whose word.
    /// - Throws: `UserError` where the two differ, where the number does not divide the width, or where neither is there and
    ///   the width tells nothing.
    package static func found(_ stated: Stated<Int>?, option: Int?, width: Int, path: String) throws -> Stated<Int> {
        if let stated {
            guard width % stated.value == 0 else {
                throw UserError(
                    "Cannot use \(path): \(stated.source) says \(stated.value) heads, which do not divide the width, \(width)."
                )
            }
            if let option, option != stated.value {
                throw UserError(
                    "--heads is \(option), but \(stated.source) says \(stated.value) for \(path). Leave --heads out, or correct "
                        + "what is wrong there.", kind: .usage)
            }
            return stated
        }
        let divisors = (1...min(width, 64)).filter { width % $0 == 0 }.map(String.init).joined(separator: ", ")
        if let option {
            guard option > 0, width % option == 0 else {
                throw UserError(
                    "--heads is \(option), which does not divide the width of \(path), \(width). These would: \(divisors).",
                    kind: .usage)
            }
            return Stated(value: option, source: "as --heads says")
        }
        if width % 64 == 0 {
            return Stated(value: width / 64, source: "width / 64, for nothing tells them; --heads would")
        }
        if width < 64 {
            return Stated(
                value: 1, source: "a guess, for nothing tells them and the width is below 64; --heads would tell")
        }
        throw UserError(
            "Cannot use \(path) without the number of its attention heads: no configuration tells it, and its width, \(width), is "
                + "no multiple of 64. Give it by --heads; these would do: \(divisors).", kind: .usage)
    }
}
