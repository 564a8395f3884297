import SelfPatchTensors

/// How well images were classified: counts, and what follows from them.
package struct ClassificationScore: Equatable, Sendable {
    package let classCount: Int
    /// Truth against the class that came first, `[truth, prediction]` row by row.
    package private(set) var confusion: [Int]
    /// Of each class, images whose class was among the first five.
    package private(set) var firstFive: [Int]

    package init(classCount: Int) {
        self.classCount = classCount
        confusion = [Int](repeating: 0, count: classCount * classCount)
        firstFive = [Int](repeating: 0, count: classCount)
    }

    /// Ranks the classes of some images. Of equal logits the lower class number comes first.
    ///
    /// - Parameters:
    ///   - logits: `[images, classes]`.
    ///   - truth: the class of each image.
    package mutating func add(_ logits: Tensor, truth: [Int]) {
        precondition(logits.shape == [truth.count, classCount], "logits of \(logits.shape) for \(truth.count) images")
        let values = logits.floats()
        for (image, label) in truth.enumerated() {
            let row = values[image * classCount..<(image + 1) * classCount]
            let start = row.startIndex
            let mine = row[start + label]
            var best = 0
            var ahead = 0
            for number in 0..<classCount {
                let value = row[start + number]
                if value > row[start + best] { best = number }
                if value > mine || (value == mine && number < label) { ahead += 1 }
            }
            confusion[label * classCount + best] += 1
            if ahead < 5 { firstFive[label] += 1 }
        }
    }

    package var total: Int { confusion.reduce(0, +) }

    /// Images of a class.
    package func count(of number: Int) -> Int {
        confusion[number * classCount..<(number + 1) * classCount].reduce(0, +)
    }

    /// Share of the images whose class came first, in per cent.
    package var top1: Double {
        100 * Double((0..<classCount).reduce(0) { $0 + confusion[$1 * classCount + $1] }) / Double(max(total, 1))
    }

    /// Share of the images whose class was among the first five, in per cent.
    package var top5: Double { 100 * Double(firstFive.reduce(0, +)) / Double(max(total, 1)) }

    /// The same of one class; nil where it has no image.
    package func top1(of number: Int) -> Double? {
        let count = count(of: number)
        return count == 0 ? nil : 100 * Double(confusion[number * classCount + number]) / Double(count)
    }

    package func top5(of number: Int) -> Double? {
        let count = count(of: number)
        return count == 0 ? nil : 100 * Double(firstFive[number]) / Double(count)
    }
}
