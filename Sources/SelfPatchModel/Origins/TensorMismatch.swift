import SelfPatchFormats

/// What does not agree between the tensors that a network wants and those of a file.
struct TensorMismatch: CustomStringConvertible {
    var missing: [(name: String, shape: [Int])] = []
    var unexpected: [(name: String, shape: [Int])] = []
    var misshapen: [(name: String, wanted: [Int], found: [Int])] = []
    var mistyped: [(name: String, found: SafetensorsFile.ElementType)] = []

    var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty && mistyped.isEmpty }

    /// - Parameters:
    ///   - accepts: whether a type of elements will do.
    ///   - found: what the file has under a name.
    init(
        wanted: [(name: String, shape: [Int])], accepts: (SafetensorsFile.ElementType) -> Bool,
        found: (String) -> (shape: [Int], elementType: SafetensorsFile.ElementType)?
    ) {
        for (name, shape) in wanted {
            guard let found = found(name) else {
                missing.append((name, shape))
                continue
            }
            if found.shape != shape { misshapen.append((name, shape, found.shape)) }
            if !accepts(found.elementType) { mistyped.append((name, found.elementType)) }
        }
    }

    /// Of one of our own files.
    /// - Parameter ignoring: starts of names that may be left over in the file; nil: all may.
    init(wanted: [(name: String, shape: [Int])], in file: SafetensorsFile, prefix: String, ignoring: [String]?) {
        self.init(wanted: wanted, accepts: { $0 == .f32 }) { name in
            file[prefix + name].map { ($0.shape, $0.elementType) }
        }
        guard let ignoring else { return }
        let names = Set(wanted.map(\.name))
        unexpected = file.entries.compactMap { entry in
            guard entry.name.hasPrefix(prefix) else { return nil }
            let name = String(entry.name.dropFirst(prefix.count))
            return names.contains(name) || ignoring.contains { name.hasPrefix($0) } ? nil : (name, entry.shape)
        }
    }

    /// The same with the names that a file has for what is missing or does not fit.
    func renamed(_ spelling: (String) -> String) -> TensorMismatch {
        var renamed = self
        renamed.missing = missing.map { (spelling($0.name), $0.shape) }
        renamed.misshapen = misshapen.map { (spelling($0.name), $0.wanted, $0.found) }
        renamed.mistyped = mistyped.map { (spelling($0.name), $0.found) }
        return renamed
    }

    /// One line a tensor; long lists are cut.
    var description: String {
        var lines: [String] = []
        func list(_ title: String, _ rows: [String]) {
            guard !rows.isEmpty else { return }
            lines.append("  \(title) (\(rows.count)):")
            lines += rows.prefix(12).map { "    \($0)" }
            if rows.count > 12 { lines.append("    and \(rows.count - 12) more") }
        }
        list("missing", missing.map { "\($0.name) \($0.shape)" })
        list("unexpected", unexpected.map { "\($0.name) \($0.shape)" })
        list("of another shape", misshapen.map { "\($0.name): \($0.found) instead of \($0.wanted)" })
        list("of another type", mistyped.map { "\($0.name): \($0.found.rawValue) instead of F32" })
        return lines.joined(separator: "\n")
    }
}
