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

    /// This size scaled as a whole: as large as its shorter and its longer side may become, at least a pixel each way.
    ///
    /// Source: `rescale_size` of mmcv.
    package func scaled(shortSide: Double, longSide: Double) -> ViewSize {
        let factor = min(longSide / Double(max(height, width)), shortSide / Double(min(height, width)))
        func side(_ length: Int) -> Int { max(1, Int(Double(length) * factor + 0.5)) }
        return ViewSize(height: side(height), width: side(width))
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
