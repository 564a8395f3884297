import SelfPatchModel
import SelfPatchTensors
import Testing

/// Laws of which boxes learn from which objects.
@Suite struct BoxTargetTests {
    private static func boxes(_ count: Int, seed: UInt64, side: Double = 100) -> [Box] {
        var generator = KeyedGenerator(seed)
        return (0..<count).map { _ in
            let (x, y) = (generator.uniform(0, side), generator.uniform(0, side))
            let (width, height) = (generator.uniform(2, side / 2), generator.uniform(2, side / 2))
            return Box(Float(x), Float(y), Float(x + width), Float(y + height))
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyObjectThatIsTouchedGetsABox(seed: UInt64) {
        let (boxes, objects) = (Self.boxes(200, seed: seed), Self.boxes(7, seed: seed + 100))
        for rule in [BoxAssignment.anchors, .proposals] {
            let parts = rule(boxes, objects: objects)
            let isFirst = rule == .anchors
            for (index, part) in parts.enumerated() {
                let best = objects.map { $0.overlap(boxes[index]) }.max() ?? 0
                switch part {
                case .object(let object):
                    let overlap = objects[object].overlap(boxes[index])
                    let own = boxes.map { objects[object].overlap($0) }.max() ?? 0
                    #expect(overlap == best && best >= (isFirst ? 0.7 : 0.5) || overlap == own)
                case .background: #expect(best < (isFirst ? 0.3 : 0.5))
                case .leftOut: #expect(isFirst && best >= 0.3 && best < 0.7)
                }
            }
            for (number, object) in objects.enumerated() {
                let best = boxes.map { object.overlap($0) }.max() ?? 0
                guard best >= (isFirst ? 0.3 : 0.5) else { continue }
                // Another object after it may have taken its only box, where both overlap it alike.
                let taken = boxes.indices.contains {
                    object.overlap(boxes[$0]) == best && parts[$0] != .background && parts[$0] != .leftOut
                }
                #expect(taken, "object \(number)")
            }
        }
        #expect(BoxAssignment.anchors(boxes, objects: []) == boxes.map { _ in .background })
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func samplesKeepTheirShares(seed: UInt64) {
        let parts = (0..<300).map { index -> BoxAssignment.Part in
            index % 7 == 0 ? .object(index) : index % 5 == 0 ? .leftOut : .background
        }
        func draw(_ count: Int?, _ share: Double, _ seed: UInt64) -> BoxSampling.Sample {
            var generator = KeyedGenerator(seed)
            return BoxSampling(count: count, positiveShare: share)(parts, &generator)
        }
        let sample = draw(64, 0.25, seed)
        #expect(sample.positives.count == 16 && sample.negatives.count == 48)
        #expect(sample.positives == sample.positives.sorted() && Set(sample.positives).count == 16)
        #expect(sample.negatives == sample.negatives.sorted() && Set(sample.negatives).count == 48)
        #expect(sample.positives.allSatisfy { parts[$0] == .object($0) })
        #expect(sample.negatives.allSatisfy { parts[$0] == .background })
        #expect(draw(64, 0.25, seed) == sample && draw(64, 0.25, seed + 1) != sample)
        // Where there are too few with objects, background takes their place.
        #expect(draw(200, 0.5, seed).positives.count == 43 && draw(200, 0.5, seed).negatives.count == 157)
        let all = draw(nil, 0.5, seed)
        #expect(all.positives.count == 43 && all.negatives.count == parts.count { $0 == .background })
    }

    /// Every background box is drawn about as often as any other.
    @Test func samplesAreUniform() {
        let parts = [BoxAssignment.Part](repeating: .background, count: 20)
        var counts = [Int](repeating: 0, count: 20)
        var generator = KeyedGenerator(9)
        for _ in 0..<4_000 {
            for index in BoxSampling(count: 5, positiveShare: 0.5)(parts, &generator).negatives { counts[index] += 1 }
        }
        // 1,000 each with a deviation of 27.
        #expect(counts.allSatisfy { (860...1_140).contains($0) }, "\(counts)")
    }

    @Test func codingAndDecodingAreInverse() {
        let (boxes, targets) = (Self.boxes(100, seed: 3), Self.boxes(100, seed: 4))
        for coder in [BoxCoder.proposals, .detections] {
            for (box, target) in zip(boxes, targets) {
                let back = coder.decode(coder.encode(target, from: box), from: box)
                for (a, b) in [(back.x1, target.x1), (back.y1, target.y1), (back.x2, target.x2), (back.y2, target.y2)] {
                    #expect(abs(a - b) < 1e-3, "\(back) for \(target)")
                }
            }
        }
        // A side can not become more than 62.5 times as long.
        let far = BoxCoder.proposals.decode([0, 0, 100, -100], from: Box(0, 0, 10, 10))
        #expect(abs(far.width - 625) < 0.1 && abs(far.height - 0.16) < 1e-3)
    }

    @Test func anchorsLieAroundTheirPlaces() {
        let grid = AnchorGrid([(8, 12), (4, 6), (2, 3), (1, 2), (1, 1)].map { Grid(rows: $0.0, columns: $0.1) })
        #expect(grid.count == 3 * (96 + 24 + 6 + 2 + 1))
        let all = grid.anchors(height: 32, width: 48)
        #expect(all.numbers == Array(0..<grid.count))
        for (level, stride) in AnchorGrid.strides.enumerated() {
            let side = Float(8 * stride)
            for number in 0..<grid.grids[level].count * 3 {
                let box = grid.anchor(number, level: level)
                #expect(box == all.boxes[grid.starts[level] + number])
                let place = number / 3
                let (row, column) = (place / grid.grids[level].columns, place % grid.grids[level].columns)
                #expect(abs((box.x1 + box.x2) / 2 - Float(column * stride)) < 1e-3)
                #expect(abs((box.y1 + box.y2) / 2 - Float(row * stride)) < 1e-3)
                #expect(abs(box.area / (side * side) - 1) < 1e-5)
            }
        }
    }
}
