import SelfPatchFormats

/// Everything that is wrong with a data set, collected to be told at once.
package struct DataProblems: Sendable {
    /// One sentence each, without a full stop, in the order in which they were found.
    package private(set) var sentences: [String] = []
    /// How many are printed; the others are counted.
    package static let shown = 20

    package init() {}

    package mutating func add(_ sentence: String) { sentences.append(sentence) }
    package mutating func add(contentsOf more: [String]) { sentences += more }

    /// - Parameter title: how the message begins: "The data in clips cannot be used".
    /// - Throws: `UserError` with the sentences, one a line, where there are any.
    package func throwIfAny(title: String) throws {
        guard !sentences.isEmpty else { return }
        let more = sentences.count > Self.shown ? ["and \(sentences.count - Self.shown) more"] : []
        let lines = (sentences.prefix(Self.shown) + more).map { "\n  " + $0 }
        throw UserError("\(title), \(sentences.count) problem\(sentences.count == 1 ? "" : "s"):\(lines.joined())")
    }
}
