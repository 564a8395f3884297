/// Precision and recall of one class, for objects of each size, at each overlap.
///
/// Detections of all images are gone through in the order of their scores:
///
///     recall = found / objects        precision = found / (found + wrong + 2^-52)
///
/// Precision is made non-increasing from the right, then read at each of the 101 recalls where that is first reached; 0 where it
/// never is. Source: `accumulate` of pycocotools' COCOeval.
package struct PrecisionRecall: Equatable, Sendable {
    /// Objects that count, by size. Where there is none nothing is defined.
    package let objectCounts: [Int]
    /// Detections, at most 100 an image.
    package let detectionCount: Int
    /// By size: `[thresholds, recalls]`, empty where nothing is defined.
    package let precision: [[Double]]
    /// By size: the last recall at each threshold, with 100 detections an image; empty where nothing is defined.
    package let recall: [[Double]]
    /// The last recall of all sizes with 1 and with 10 detections an image.
    package let earlyRecall: [[Double]]

    /// What is found in one image.
    struct Image: Sendable {
        /// In descending order, 100 at most.
        var scores: [Double] = []
        /// `[sizes, detections]`
        var bits: [DetectionMatching.Bits] = []
        /// By size.
        var objectCounts = [Int](repeating: 0, count: COCOThresholds.Size.allCases.count)
    }

    /// - Parameter images: in ascending order of their ids.
    init(_ images: [Image]) {
        let sizes = COCOThresholds.Size.allCases
        objectCounts = sizes.map { size in images.reduce(0) { $0 + $1.objectCounts[size.rawValue] } }
        let count = images.reduce(0) { $0 + $1.scores.count }
        detectionCount = count
        var scores: [Double] = []
        var places: [(image: Int32, rank: Int32)] = []
        scores.reserveCapacity(count)
        places.reserveCapacity(count)
        for (number, image) in images.enumerated() {
            scores += image.scores
            for rank in image.scores.indices { places.append((Int32(number), Int32(rank))) }
        }
        // Of equal scores that of the earlier image comes first, within an image the higher rank.
        let order = (0..<count).sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }

        var (precision, recall, early) = ([[Double]](), [[Double]](), [[Double]](repeating: [], count: 2))
        for size in sizes {
            let objects = objectCounts[size.rawValue]
            guard objects > 0 else {
                precision.append([])
                recall.append([])
                continue
            }
            let bits = order.map { index in
                let (image, rank) = (images[Int(places[index].image)], Int(places[index].rank))
                return image.bits[size.rawValue * image.scores.count + rank]
            }
            var (curves, ends) = ([Double](), [Double]())
            for row in COCOThresholds.overlaps.indices {
                let precisions = Self.precisions(bits, bit: 1 << row)
                curves += Self.atRecalls(precisions, objects: objects)
                ends.append(Double(precisions.count) / Double(objects))
            }
            precision.append(curves)
            recall.append(ends)
            if size == .all {
                for (place, limit) in COCOThresholds.detections.dropLast().enumerated() {
                    early[place] = COCOThresholds.overlaps.indices.map { row in
                        var found = 0
                        for (bits, index) in zip(bits, order)
                        where places[index].rank < limit && bits.found & ~bits.ignored & 1 << row != 0 {
                            found += 1
                        }
                        return Double(found) / Double(objects)
                    }
                }
            }
        }
        self.precision = precision
        self.recall = recall
        earlyRecall = early
    }

    /// Precision wherever one more object is found.
    private static func precisions(_ bits: [DetectionMatching.Bits], bit: UInt16) -> [Double] {
        var (found, wrong) = (0, 0)
        var precisions: [Double] = []
        for bits in bits where bits.ignored & bit == 0 {
            if bits.found & bit == 0 {
                wrong += 1
            } else {
                found += 1
                precisions.append(Double(found) / (Double(wrong + found) + 0x1p-52))
            }
        }
        return precisions
    }

    private static func atRecalls(_ precisions: [Double], objects: Int) -> [Double] {
        var envelope = precisions
        for place in envelope.indices.dropLast().reversed() {
            envelope[place] = max(envelope[place], envelope[place + 1])
        }
        var place = 0
        return COCOThresholds.recalls.map { threshold in
            while place < envelope.count, Double(place + 1) / Double(objects) < threshold { place += 1 }
            return place < envelope.count ? envelope[place] : 0
        }
    }
}
