/// Samples by number, wherever they come from: a folder, an archive, a generator.
package struct SampleSource<Content: Sendable>: Sendable {
    /// How many there are.
    package let count: Int
    /// What a sample is called in messages.
    package let name: @Sendable (Int) -> String
    /// Reads one; called from many threads at a time. Throws where it cannot be read.
    package let read: @Sendable (Int) throws -> Content
    /// Told of each sample that cannot be read, before another takes its place. Throws where this is one too many.
    package let skip: @Sendable (Int, any Error) throws -> Void

    package init(
        count: Int, name: @escaping @Sendable (Int) -> String, read: @escaping @Sendable (Int) throws -> Content,
        skip: @escaping @Sendable (Int, any Error) throws -> Void
    ) {
        self.count = count
        self.name = name
        self.read = read
        self.skip = skip
    }
}

/// Images by number.
package typealias ImageSource = SampleSource<Pixels>
