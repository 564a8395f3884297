/// Height and width of a view in pixels; in settings `[height, width]`, or one number for a square.
public struct ViewSize: Hashable, Sendable, CustomStringConvertible {
    public var height: Int
    public var width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    public init(square side: Int) {
        self.init(height: side, width: side)
    }

    /// Height times width.
    public var pixels: Int { height * width }
    public var description: String { "\(height) x \(width)" }
}

extension ViewSize: Codable {
    public init(from decoder: any Decoder) throws {
        if let side = try? decoder.singleValueContainer().decode(Int.self) {
            self.init(square: side)
            return
        }
        let sides = try decoder.singleValueContainer().decode([Int].self)
        guard sides.count == 2 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a view's size is [height, width]"))
        }
        self.init(height: sides[0], width: sides[1])
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode([height, width])
    }
}
