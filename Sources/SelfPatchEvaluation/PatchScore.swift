/// How well patches (or pixels) were labelled: counts of truth against prediction, and what follows from them.
public struct PatchScore: Equatable, Sendable {
    public let classCount: Int
    /// `[truth, prediction]` row by row.
    public private(set) var counts: [Int]

    public init(classCount: Int) {
        self.classCount = classCount
        counts = [Int](repeating: 0, count: classCount * classCount)
    }

    public mutating func add(truth: Int, predicted: Int) {
        counts[truth * classCount + predicted] += 1
    }

    public mutating func add(_ other: PatchScore) {
        precondition(classCount == other.classCount, "\(classCount) and \(other.classCount) classes")
        for place in counts.indices { counts[place] += other.counts[place] }
    }

    /// How many were compared.
    public var total: Int { counts.reduce(0, +) }

    /// Share of those labelled right, in per cent.
    public var accuracy: Double {
        let right = (0..<classCount).reduce(0) { $0 + counts[$1 * classCount + $1] }
        return 100 * Double(right) / Double(max(total, 1))
    }

    /// Intersection over union of a class in per cent; nil where it neither occurs nor was predicted.
    public func intersectionOverUnion(of number: Int) -> Double? {
        let both = counts[number * classCount + number]
        let truth = counts[number * classCount..<(number + 1) * classCount].reduce(0, +)
        let predicted = (0..<classCount).reduce(0) { $0 + counts[$1 * classCount + number] }
        let union = truth + predicted - both
        return union == 0 ? nil : 100 * Double(both) / Double(union)
    }

    /// The mean of the classes' intersections over union, over those that occur or were predicted, in per cent.
    public var meanIntersectionOverUnion: Double {
        let values = (0..<classCount).compactMap(intersectionOverUnion)
        return values.reduce(0, +) / Double(max(values.count, 1))
    }
}
