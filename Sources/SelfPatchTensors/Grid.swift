/// The patches of a view: rows before columns, always.
public struct Grid: Codable, Hashable, Sendable, CustomStringConvertible {
    public var rows: Int
    public var columns: Int

    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
    }

    /// The grid of a view of `height` x `width` pixels; what is left beyond the last whole patch is not seen.
    public init(height: Int, width: Int, patchSize: Int) {
        self.init(rows: height / patchSize, columns: width / patchSize)
    }

    /// Patches in all.
    public var count: Int { rows * columns }

    public var description: String { "\(rows) x \(columns)" }
}
