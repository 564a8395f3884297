import SelfPatchData
import SelfPatchTensors
import Testing

/// Laws of masks as runs, over many small pictures, and what is refused.
@Suite struct RunLengthMaskTests {
    static let sizes = [(1, 1), (1, 7), (7, 1), (2, 3), (5, 5), (16, 9), (33, 40)]

    private func bitmaps(height: Int, width: Int) -> [[UInt8]] {
        var generator = KeyedGenerator(1, UInt64(height), UInt64(width))
        let shares = [0, 0.05, 0.5, 0.9, 1]
        return shares.map { share in (0..<height * width).map { _ in generator.uniform() < share ? 1 : 0 } }
    }

    @Test(arguments: sizes) func everyFormHoldsTheSamePixels(height: Int, width: Int) throws {
        for bitmap in bitmaps(height: height, width: width) {
            let mask = RunLengthMask(bitmap: bitmap, height: height, width: width)
            #expect(mask.bitmap == bitmap)
            #expect(mask.area == bitmap.reduce(0) { $0 + Int($1) })
            #expect(mask.runs.dropFirst().allSatisfy { $0 > 0 } && mask.runs.reduce(0, +) == height * width)
            #expect(try RunLengthMask(height: height, width: width, text: mask.text) == mask)
            #expect(try RunLengthMask(height: height, width: width, counts: mask.runs.map(Int.init)) == mask)
        }
    }

    @Test(arguments: sizes) func twoMasksTogetherArePixelsTogether(height: Int, width: Int) {
        let all = bitmaps(height: height, width: width)
        for a in all {
            for b in all {
                let (maskA, maskB) = (
                    RunLengthMask(bitmap: a, height: height, width: width),
                    RunLengthMask(bitmap: b, height: height, width: width)
                )
                let both = zip(a, b).map { $0 & $1 }
                #expect(maskA.union(maskB).bitmap == zip(a, b).map { $0 | $1 })
                #expect(maskA.intersection(maskB).bitmap == both)
                #expect(maskA.intersectionCount(with: maskB) == both.reduce(0) { $0 + Int($1) })
            }
        }
    }

    @Test(arguments: sizes) func aPartIsItsPixelsAndNothingAround(height: Int, width: Int) {
        let (rows, columns) = (height / 3..<(2 * height + 2) / 3, width / 4..<(3 * width + 3) / 4)
        for bitmap in bitmaps(height: height, width: width) {
            var (whole, part) = ([UInt8](repeating: 0, count: height * width), [UInt8]())
            for row in rows {
                for column in columns {
                    whole[row * width + column] = bitmap[row * width + column]
                    part.append(bitmap[row * width + column])
                }
            }
            let mask = RunLengthMask(part: part, rows: rows, columns: columns, height: height, width: width)
            #expect(mask == RunLengthMask(bitmap: whole, height: height, width: width) && mask.bitmap == whole)
        }
        let nothing = RunLengthMask(part: [], rows: 0..<0, columns: 0..<0, height: height, width: width)
        #expect(nothing == RunLengthMask(emptyOfHeight: height, width: width))
    }

    @Test func innerZerosJoinTheirNeighbors() throws {
        let mask = try RunLengthMask(height: 2, width: 5, counts: [0, 2, 0, 3, 4, 0, 1])
        #expect(mask.runs == [0, 5, 5])
    }

    @Test(
        arguments: [
            ([3, -1, 8], "run of -1"), ([3, 4], "has runs of 7 pixels"), ([3, 8], "more than"),
            ([Int.max, Int.max], "more than"), ([], "has runs of 0 pixels"),
        ])
    func countsThatAreNoMaskAreRefused(counts: [Int], words: String) {
        let problem = #expect(throws: MaskProblem.self) { try RunLengthMask(height: 2, width: 5, counts: counts) }
        #expect(problem?.detail.contains(words) == true, "\(problem?.detail ?? "")")
    }

    @Test(
        arguments: [
            ("", "runs of 0"), ("3", "runs of 3"), ("3P", "ends within"), ("3 7", "byte 32"), ("3\u{7f}", "byte 127"),
            ("oooooooooo0", "longer than any"), ("O", "run of -1"), ("00O", "run of -1"), ("555", "more than"),
        ])
    func textThatIsNoMaskIsRefused(text: String, words: String) {
        let problem = #expect(throws: MaskProblem.self) {
            try RunLengthMask(height: 2, width: 5, text: Array(text.utf8))
        }
        #expect(problem?.detail.contains(words) == true, "\(problem?.detail ?? "")")
    }

    @Test(arguments: [(0, 5), (5, 0), (-1, 5), (1 << 21, 1), (1 << 20, 1 << 20)])
    func picturesThatCannotBeAreRefused(height: Int, width: Int) {
        #expect(throws: MaskProblem.self) { try RunLengthMask(height: height, width: width, counts: []) }
        #expect(throws: MaskProblem.self) { try RunLengthMask(height: height, width: width, text: []) }
        #expect(throws: MaskProblem.self) { try PolygonRaster.mask(of: [], height: height, width: width) }
    }

    // MARK: Polygons

    @Test(
        arguments: [
            ([1, 1, .nan, 4, 1, 4], "nan"), ([1, 1, .infinity, 4, 1, 4], "inf"),
            ([1, 1, -1e9, 4, 1, 4], "-1000000000"),
        ])
    func coordinatesThatAreNoPlacesAreRefused(polygon: [Double], words: String) {
        let problem = #expect(throws: MaskProblem.self) {
            try PolygonRaster.mask(of: [polygon], height: 6, width: 6)
        }
        #expect(problem?.detail.contains(words) == true, "\(problem?.detail ?? "")")
    }

    /// The rule as it is written down: every step of the outline on the fine grid, and each change of the fine column.
    private func walked(_ polygon: [Double], height: Int, width: Int) -> [UInt32] {
        let fine = polygon.map { Int(5 * $0 + 0.5) }
        var points: [(u: Int, v: Int)] = []
        for place in stride(from: 0, to: fine.count, by: 2) {
            let next = place + 2 < fine.count ? place + 2 : 0
            var (xs, ys, xe, ye) = (fine[place], fine[place + 1], fine[next], fine[next + 1])
            let (dx, dy) = (abs(xe - xs), abs(ye - ys))
            let isFlipped = dx >= dy ? xs > xe : ys > ye
            if isFlipped { (xs, ys, xe, ye) = (xe, ye, xs, ys) }
            for step in 0...max(dx, dy) {
                let t = isFlipped ? max(dx, dy) - step : step
                if dx == 0, dy == 0 {
                    points.append((xs, 0))
                } else if dx >= dy {
                    let slope = Double(ye - ys) / Double(dx)
                    points.append((xs + t, Int(Double(ys) + slope * Double(t) + 0.5)))
                } else {
                    let slope = Double(xe - xs) / Double(dy)
                    points.append((Int(Double(xs) + slope * Double(t) + 0.5), ys + t))
                }
            }
        }
        var crossings: [Int] = []
        for (last, point) in zip(points, points.dropFirst()) where last.u != point.u {
            let x = (Double(point.u < last.u ? point.u : point.u - 1) + 0.5) / 5 - 0.5
            guard x == x.rounded(), x >= 0, x <= Double(width - 1) else { continue }
            let y = (Double(min(last.v, point.v)) + 0.5) / 5 - 0.5
            crossings.append(Int(x) * height + Int(min(max(y, 0), Double(height)).rounded(.up)))
        }
        crossings = crossings.sorted() + [height * width]
        var (runs, position) = ([UInt32](), 0)
        var joins = false
        for crossing in crossings {
            let length = UInt32(crossing - position)
            position = crossing
            if joins {
                runs[runs.count - 1] += length
                joins = false
            } else if length == 0, !runs.isEmpty {
                joins = true
            } else {
                runs.append(length)
            }
        }
        return runs
    }

    @Test func crossingsAloneGiveTheWholeWalk() throws {
        var generator = KeyedGenerator(2)
        for round in 0..<4_000 {
            let (height, width) = (1 + Int(generator.uniform() * 40), 1 + Int(generator.uniform() * 40))
            let points = 3 + Int(generator.uniform() * 9)
            let reach = round % 4 == 0 ? 3.0 : 1.0
            let polygon = (0..<2 * points).map { place -> Double in
                let side = Double(place % 2 == 0 ? width : height)
                let value = side * (0.5 + reach * (generator.uniform() - 0.5) * 1.1)
                switch round % 3 {
                case 0: return value.rounded()
                case 1: return (value * 10).rounded() / 10
                default: return value
                }
            }
            let mask = try PolygonRaster.mask(of: [polygon], height: height, width: width)
            #expect(mask.runs == walked(polygon, height: height, width: width), "\(height) x \(width): \(polygon)")
        }
    }

    @Test func farAwayPolygonsTakeNoTime() throws {
        let mask = try PolygonRaster.mask(
            of: [[-1e8, -1e8, 1e8, -1e8, 1e8, 1e8, -1e8, 1e8]], height: 30, width: 20)
        #expect(mask.runs == [0, 600])
    }
}
