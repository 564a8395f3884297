import SelfPatchFormats

/// A segmentation as it stands in a file: not yet a mask of an image.
enum MaskRecord: Sendable {
    case none
    case polygons([[Double]])
    /// Size as height and width.
    case counts([Int], size: [Int])
    case text([UInt8], size: [Int])

    /// Reads polygons, or run lengths with the size of their image; `null` and an empty list are none.
    init(_ json: inout JSONReader) throws {
        switch try json.kind() {
        case .array:
            var polygons: [[Double]] = []
            try json.array { json in
                guard try json.kind() == .array else {
                    throw json.failure("a polygon is expected, a list of numbers within the list")
                }
                var polygon: [Double] = []
                try json.array { polygon.append(try $0.number()) }
                polygons.append(polygon)
            }
            self = polygons.isEmpty ? .none : .polygons(polygons)
        case .object:
            var (size, counts, text) = ([Int](), [Int]?.none, [UInt8]?.none)
            try json.object { json, key in
                switch key {
                case "size": try json.array { size.append(try $0.integer()) }
                case "counts":
                    if try json.kind() == .string {
                        var bytes: [UInt8] = []
                        try json.string(into: &bytes)
                        text = bytes
                    } else {
                        var list: [Int] = []
                        try json.array { list.append(try $0.integer()) }
                        counts = list
                    }
                default: try json.skip()
                }
            }
            if let text {
                self = .text(text, size: size)
            } else if let counts {
                self = .counts(counts, size: size)
            } else {
                throw json.failure("run lengths without 'counts' end")
            }
        case .null:
            try json.null()
            self = .none
        default: throw json.failure("a segmentation is expected: polygons, or run lengths with 'size' and 'counts'")
        }
    }

    /// The mask in an image of this size; nil where there is none.
    ///
    /// - Throws: `MaskProblem`, also where run lengths are those of another size.
    func mask(height: Int, width: Int) throws(MaskProblem) -> RunLengthMask? {
        switch self {
        case .none: return nil
        case .polygons(let polygons):
            // pycocotools takes four numbers for a box where they come first, and fails; later ones cover nothing.
            if let first = polygons.first, first.count < 6 {
                throw MaskProblem("has a polygon of \(first.count) numbers; three points, 6 numbers, are the fewest")
            }
            if let odd = polygons.first(where: { $0.count % 2 == 1 }) {
                throw MaskProblem("has a polygon of \(odd.count) numbers, where each point has two")
            }
            return try PolygonRaster.mask(of: polygons, height: height, width: width)
        case .counts(let counts, let size):
            try Self.check(size, height, width)
            return try RunLengthMask(height: height, width: width, counts: counts)
        case .text(let text, let size):
            try Self.check(size, height, width)
            return try RunLengthMask(height: height, width: width, text: text)
        }
    }

    private static func check(_ size: [Int], _ height: Int, _ width: Int) throws(MaskProblem) {
        guard size == [height, width] else {
            let words = size.map(String.init).joined(separator: " x ")
            throw MaskProblem(
                "has a mask of \(words.isEmpty ? "no size" : words) (height x width) in an image of \(height) x \(width)"
            )
        }
    }
}
