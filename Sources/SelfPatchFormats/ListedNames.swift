extension Collection where Element == String {
    /// The first names, and how many more there are: "a, b, c and 4 more".
    package func listed(_ most: Int) -> String {
        prefix(most).joined(separator: ", ") + (count > most ? " and \(count - most) more" : "")
    }
}
