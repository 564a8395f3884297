/// How pixels (or patches) of each class were labelled: counts of truth against prediction, and what follows from them.
///
/// Counts are added up over all images before anything is divided, as in mmsegmentation:
///
///     IoU = intersection / (predicted + labelled - intersection)        accuracy of a class = intersection / labelled
///
/// A class that neither occurs nor was predicted has no IoU, one that does not occur no accuracy; the means leave them out.
/// A number beyond the classes belongs to none, but its pixel still counts for whatever the other side says of it.
/// All figures are from 0 to 1.
package struct ConfusionMatrix: Equatable, Sendable {
    package let classCount: Int
    /// `[classes + 1, classes + 1]`, truth by prediction; the last row and column are "no class".
    private var counts: [Int]
    private var side: Int { classCount + 1 }

    package init(classCount: Int) {
        precondition(classCount > 0, "\(classCount) classes")
        self.classCount = classCount
        counts = [Int](repeating: 0, count: (classCount + 1) * (classCount + 1))
    }

    // MARK: Counting

    package mutating func add(truth: Int, predicted: Int) { counts[index(truth) * side + index(predicted)] += 1 }

    /// Counts the pixels of one image.
    ///
    /// - Parameters:
    ///   - truth: of each pixel.
    ///   - predicted: as many, in the same order.
    ///   - ignored: pixels with this truth are left out altogether, whatever is predicted there.
    package mutating func add<Truth: BinaryInteger, Predicted: BinaryInteger>(
        truth: [Truth], predicted: [Predicted], ignored: Int? = nil
    ) {
        precondition(truth.count == predicted.count, "\(truth.count) labels, \(predicted.count) predictions")
        for (truth, predicted) in zip(truth, predicted) where Int(truth) != ignored {
            counts[index(Int(truth)) * side + index(Int(predicted))] += 1
        }
    }

    package mutating func add(_ other: ConfusionMatrix) {
        precondition(classCount == other.classCount, "\(classCount) and \(other.classCount) classes")
        for place in counts.indices { counts[place] += other.counts[place] }
    }

    private func index(_ label: Int) -> Int { 0..<classCount ~= label ? label : classCount }

    // MARK: Counts

    /// How often `truth` was labelled as `predicted`.
    package subscript(truth: Int, predicted: Int) -> Int { counts[index(truth) * side + index(predicted)] }

    /// Pixels of a class that were labelled right.
    package func intersection(of number: Int) -> Int { self[number, number] }
    /// Pixels that belong to a class.
    package func labelled(_ number: Int) -> Int { (0...classCount).reduce(0) { $0 + self[number, $1] } }
    /// Pixels that were taken for a class.
    package func predicted(_ number: Int) -> Int { (0...classCount).reduce(0) { $0 + self[$1, number] } }
    /// Pixels that belong to some class.
    package var total: Int { (0..<classCount).reduce(0) { $0 + labelled($1) } }

    // MARK: Figures

    package func intersectionOverUnion(of number: Int) -> Double? {
        let both = intersection(of: number)
        return Self.share(both, of: predicted(number) + labelled(number) - both)
    }

    /// The share of a class's pixels that were labelled right.
    package func accuracy(of number: Int) -> Double? { Self.share(intersection(of: number), of: labelled(number)) }

    /// mIoU: the mean over the classes that have an IoU.
    package var meanIntersectionOverUnion: Double? { Self.mean((0..<classCount).compactMap(intersectionOverUnion)) }

    /// mAcc: the mean over the classes that occur.
    package var meanAccuracy: Double? { Self.mean((0..<classCount).compactMap(accuracy)) }

    /// aAcc: the share of all pixels that were labelled right.
    package var accuracy: Double? { Self.share((0..<classCount).reduce(0) { $0 + intersection(of: $1) }, of: total) }

    private static func share(_ part: Int, of whole: Int) -> Double? {
        whole == 0 ? nil : Double(part) / Double(whole)
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
