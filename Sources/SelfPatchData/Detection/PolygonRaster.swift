/// Polygons to masks, by COCO's rule to the pixel.
///
/// The outline is drawn on a grid five times as fine. Wherever it crosses the middle of a column of pixels it turns background
/// into object or back, from that row down. `rleFrPoly` walks the whole outline for it; here only the steps that cross a
/// middle are computed, by the same formula, so that the work grows with the columns covered and not with the length.
package enum PolygonRaster {
    /// All parts of one object, joined.
    ///
    /// - Parameter polygons: of each x, y, x, y ... in pixels.
    /// - Throws: where coordinates are no places. A last number without its partner is disregarded, as there.
    package static func mask(of polygons: [[Double]], height: Int, width: Int) throws(MaskProblem) -> RunLengthMask {
        try MaskProblem.checkSize(height: height, width: width)
        var mask: RunLengthMask?
        for polygon in polygons {
            let part = try self.mask(of: polygon, height: height, width: width)
            mask = mask?.union(part) ?? part
        }
        return mask ?? RunLengthMask(emptyOfHeight: height, width: width)
    }

    private static func mask(of polygon: [Double], height: Int, width: Int) throws(MaskProblem) -> RunLengthMask {
        var fine: [Int] = []
        fine.reserveCapacity(polygon.count)
        for coordinate in polygon.prefix(polygon.count / 2 * 2) {
            guard abs(coordinate) <= DetectionBox.farthest else {
                throw MaskProblem("has a polygon with the coordinate \(coordinate)")
            }
            fine.append(Int(5 * coordinate + 0.5))  // Toward zero, negatives too.
        }
        var crossings: [Int] = []
        for x in stride(from: 0, to: fine.count, by: 2) {
            let next = x + 2 < fine.count ? x + 2 : 0
            addCrossings(
                from: (fine[x], fine[x + 1]), to: (fine[next], fine[next + 1]), height: height, width: width, &crossings
            )
        }
        crossings.sort()
        var runs = RunBuilder()
        var (position, isObject) = (0, false)
        for crossing in crossings {
            runs.add(UInt32(crossing - position), isObject: isObject)
            (position, isObject) = (crossing, !isObject)
        }
        runs.add(UInt32(height * width - position), isObject: isObject)
        return RunLengthMask(height: height, width: width, runs: runs.runs)
    }

    /// Where one edge crosses the middles of columns, as places in the column-major picture.
    ///
    /// The middle of column k lies between the fine columns 5k + 2 and 5k + 3.
    private static func addCrossings(
        from a: (x: Int, y: Int), to b: (x: Int, y: Int), height: Int, width: Int, _ crossings: inout [Int]
    ) {
        guard a.x != b.x, max(a.x, b.x) >= 3 else { return }
        let first = max(0, ceilOfFifth(min(a.x, b.x) - 2))
        let end = min(width, (max(a.x, b.x) - 3) / 5 + 1)
        guard first < end else { return }
        func add(_ column: Int, _ fineRow: Int) {
            crossings.append(column * height + min(max(ceilOfFifth(fineRow - 2), 0), height))
        }
        let isWide = abs(a.x - b.x) >= abs(a.y - b.y)
        // Edges are walked from their smaller end, for rounding's sake.
        let (low, high) = (isWide ? a.x > b.x : a.y > b.y) ? (b, a) : (a, b)
        if isWide {
            let slope = Double(high.y - low.y) / Double(high.x - low.x)
            func row(_ step: Int) -> Int { Int(Double(low.y) + slope * Double(step) + 0.5) }
            for column in first..<end {
                let step = 5 * column + 2 - low.x
                add(column, min(row(step), row(step + 1)))
            }
        } else {
            let slope = Double(high.x - low.x) / Double(high.y - low.y)
            func fineColumn(_ step: Int) -> Int { Int(Double(low.x) + slope * Double(step) + 0.5) }
            let last = high.y - low.y
            for column in first..<end {
                let left = 5 * column + 2
                /// Whether the walk has not yet come over the middle; true up to some step, then false.
                func isBefore(_ step: Int) -> Bool { (fineColumn(step) <= left) == (slope > 0) }
                var step = min(max(Int((Double(left) + 0.5 - Double(low.x)) / slope), 0), last)
                while step > 0, !isBefore(step) { step -= 1 }
                while step < last, isBefore(step + 1) { step += 1 }
                add(column, low.y + step)
            }
        }
    }

    /// A fifth, rounded up.
    private static func ceilOfFifth(_ value: Int) -> Int { value > 0 ? (value + 4) / 5 : value / 5 }
}
