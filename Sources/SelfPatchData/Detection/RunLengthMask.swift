/// The pixels of one object as COCO keeps them: lengths of runs, column by column from the top left, background first.
///
/// Everything here works on runs: a mask costs a few hundred bytes however large its picture is.
/// Source: `maskApi.c` of pycocotools.
package struct RunLengthMask: Equatable, Sendable {
    package let height: Int
    package let width: Int
    /// Pixels of background and of object in turn. The first may be 0, no other is; together they fill the picture.
    package let runs: [UInt32]

    /// - Parameter runs: as the property.
    init(height: Int, width: Int, runs: [UInt32]) {
        self.height = height
        self.width = width
        self.runs = runs
    }

    /// - Parameter counts: pixels of background and of object in turn, as in files. Inner zeros join their neighbours.
    /// - Throws: where they are negative or do not fill the picture.
    package init(height: Int, width: Int, counts: [Int]) throws(MaskProblem) {
        try MaskProblem.checkSize(height: height, width: width)
        var builder = RunBuilder()
        var isObject = false
        var left = height * width
        for count in counts {
            guard 0...left ~= count else {
                throw MaskProblem(
                    count < 0
                        ? "has a run of \(count) pixels"
                        : "has runs of more than the \(height) x \(width) pixels of its picture")
            }
            left -= count
            builder.add(UInt32(count), isObject: isObject)
            isObject.toggle()
        }
        guard left == 0 else {
            throw MaskProblem(
                "has runs of \(height * width - left) pixels; its picture of \(height) x \(width) has \(height * width)"
            )
        }
        self.init(height: height, width: width, runs: builder.runs)
    }

    /// Nothing at all.
    package init(emptyOfHeight height: Int, width: Int) {
        self.init(height: height, width: width, runs: [UInt32(height * width)])
    }

    // MARK: What it covers

    /// Pixels of the object.
    package var area: Int {
        var sum = 0
        for place in stride(from: 1, to: runs.count, by: 2) { sum += Int(runs[place]) }
        return sum
    }

    /// The smallest box around the object, all 0 where there is none. A run that goes on in the next column makes it as
    /// high as the picture.
    package var box: DetectionBox {
        guard runs.count > 1 else { return DetectionBox(x: 0, y: 0, width: 0, height: 0) }
        var (left, right, top, bottom) = (width, 0, height, 0)
        var position = 0
        for place in stride(from: 1, to: runs.count, by: 2) {
            let start = position + Int(runs[place - 1])
            position = start + Int(runs[place])
            let (firstColumn, firstRow) = start.quotientAndRemainder(dividingBy: height)
            let (lastColumn, lastRow) = (position - 1).quotientAndRemainder(dividingBy: height)
            left = min(left, firstColumn)
            right = max(right, lastColumn)
            if firstColumn < lastColumn {
                (top, bottom) = (0, height - 1)
            } else {
                (top, bottom) = (min(top, firstRow), max(bottom, lastRow))
            }
        }
        return DetectionBox(
            x: Double(left), y: Double(top), width: Double(right - left + 1), height: Double(bottom - top + 1))
    }

    // MARK: Two masks of one picture

    /// Pixels that both have.
    package func intersectionCount(with other: RunLengthMask) -> Int {
        precondition(
            height == other.height && width == other.width,
            "masks of \(height) x \(width) and \(other.height) x \(other.width)")
        return runs.withUnsafeBufferPointer { a in
            other.runs.withUnsafeBufferPointer { b in Self.intersectionCount(a, b) }
        }
    }

    private static func intersectionCount(
        _ a: UnsafeBufferPointer<UInt32>, _ b: UnsafeBufferPointer<UInt32>
    ) -> Int {
        guard a.count > 1, b.count > 1 else { return 0 }
        var sum = 0
        // The object run in hand of each: where it starts, where it ends, its place.
        var (i, j) = (1, 1)
        var (startA, startB) = (Int(a[0]), Int(b[0]))
        var (endA, endB) = (startA + Int(a[1]), startB + Int(b[1]))
        while true {
            sum += max(0, min(endA, endB) - max(startA, startB))
            if endA <= endB {
                i += 2
                if i >= a.count { return sum }
                startA = endA + Int(a[i - 1])
                endA = startA + Int(a[i])
            } else {
                j += 2
                if j >= b.count { return sum }
                startB = endB + Int(b[j - 1])
                endB = startB + Int(b[j])
            }
        }
    }

    /// Pixels that either has.
    package func union(_ other: RunLengthMask) -> RunLengthMask { joined(with: other) { $0 || $1 } }

    /// Pixels that both have.
    package func intersection(_ other: RunLengthMask) -> RunLengthMask { joined(with: other) { $0 && $1 } }

    private func joined(with other: RunLengthMask, _ rule: (Bool, Bool) -> Bool) -> RunLengthMask {
        precondition(
            height == other.height && width == other.width,
            "masks of \(height) x \(width) and \(other.height) x \(other.width)")
        var builder = RunBuilder()
        var (i, j) = (0, 0)
        var (leftA, leftB) = (runs[0], other.runs[0])
        while i < runs.count, j < other.runs.count {
            let length = min(leftA, leftB)
            builder.add(length, isObject: rule(i % 2 == 1, j % 2 == 1))
            leftA -= length
            leftB -= length
            if leftA == 0 {
                i += 1
                if i < runs.count { leftA = runs[i] }
            }
            if leftB == 0 {
                j += 1
                if j < other.runs.count { leftB = other.runs[j] }
            }
        }
        return RunLengthMask(height: height, width: width, runs: builder.runs)
    }

    // MARK: Pixels

    /// `[height, width]`, rows from the top: 1 where the object is.
    package var bitmap: [UInt8] {
        var pixels = [UInt8](repeating: 0, count: height * width)
        pixels.withUnsafeMutableBufferPointer { pixels in
            var position = 0
            for place in stride(from: 1, to: runs.count, by: 2) {
                position += Int(runs[place - 1])
                var (column, row) = position.quotientAndRemainder(dividingBy: height)
                for _ in 0..<runs[place] {
                    pixels[row * width + column] = 1
                    row += 1
                    if row == height { (row, column) = (0, column + 1) }
                }
                position += Int(runs[place])
            }
        }
        return pixels
    }

    /// - Parameter bitmap: `[height, width]`, rows from the top; whatever is not 0 is object.
    package init(bitmap: [UInt8], height: Int, width: Int) {
        self.init(part: bitmap, rows: 0..<height, columns: 0..<width, height: height, width: width)
    }

    /// An object that lies within a part of the picture.
    ///
    /// - Parameter part: `[rows, columns]`; whatever is not 0 is object.
    package init(part: [UInt8], rows: Range<Int>, columns: Range<Int>, height: Int, width: Int) {
        precondition(
            part.count == rows.count * columns.count && height > 0 && width > 0
                && 0...height ~= rows.lowerBound && rows.upperBound <= height
                && 0...width ~= columns.lowerBound && columns.upperBound <= width,
            "\(part.count) pixels for rows \(rows) and columns \(columns) of a mask of \(height) x \(width)")
        var builder = RunBuilder()
        builder.add(UInt32(columns.lowerBound * height), isObject: false)
        for column in 0..<columns.count {
            builder.add(UInt32(rows.lowerBound), isObject: false)
            for row in 0..<rows.count { builder.add(1, isObject: part[row * columns.count + column] != 0) }
            builder.add(UInt32(height - rows.upperBound), isObject: false)
        }
        builder.add(UInt32((width - columns.upperBound) * height), isObject: false)
        self.init(height: height, width: width, runs: builder.runs)
    }
}

/// Joins runs as they come: neighbours of one kind become one.
struct RunBuilder {
    private(set) var runs: [UInt32] = [0]

    mutating func add(_ length: UInt32, isObject: Bool) {
        guard length > 0 else { return }
        if (runs.count % 2 == 0) == isObject { runs[runs.count - 1] += length } else { runs.append(length) }
    }
}

/// Why runs or outlines are no mask; continues a sentence that begins with what they are of.
package struct MaskProblem: Error, Equatable, Sendable {
    package let detail: String

    init(_ detail: String) { self.detail = detail }

    /// Runs are counted in 32 bits.
    static func checkSize(height: Int, width: Int) throws(MaskProblem) {
        guard height > 0, width > 0, height <= 1 << 20, width <= 1 << 20, height * width < 1 << 32 else {
            throw MaskProblem("lies in a picture of \(height) x \(width) pixels, which there cannot be")
        }
    }
}
