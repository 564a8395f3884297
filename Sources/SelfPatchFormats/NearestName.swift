/// The valid name that a misspelt one probably meant.
package enum NearestName {
    /// The name among `names` with the fewest edits from `name`, or nil if all are far away (more than a third of the
    /// letters, at least two).
    ///
    /// - Parameter part: the part of a name that is compared, for example what follows its last dot.
    package static func of(
        _ name: String, among names: [String], comparing part: (String) -> String = { $0 }
    ) -> String? {
        let wanted = part(name)
        let nearest = names.map { (name: $0, edits: distance(wanted.lowercased(), part($0).lowercased())) }
            .min { $0.edits < $1.edits }
        guard let nearest, nearest.edits <= max(2, wanted.count / 3) else { return nil }
        return nearest.edits < wanted.count ? nearest.name : nil
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
    static func distance(_ a: String, _ b: String) -> Int {
        let a = Array(a.prefix(200))
        let b = Array(b.prefix(200))
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1] + [Int](repeating: 0, count: b.count)
            for j in b.indices {
                row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
