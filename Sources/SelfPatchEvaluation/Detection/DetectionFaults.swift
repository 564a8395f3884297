import SelfPatchData

/// What goes wrong, in counts: how each detection that found nothing fails, and which objects nobody saw.
///
/// Detections of at least a certain score, 100 a class and image at most, are matched with objects of all sizes as for the score, at
/// an overlap of 0.5. What was matched with a crowd is left out. Of one that found no object, the first that holds:
///
///     double        it overlaps an object of its class by 0.5 or more, which a better one has found
///     wrong place   it overlaps an object of its class by 0.1 or more
///     wrong class   it overlaps an object of another class by 0.5 or more
///     both wrong    it overlaps an object of another class by 0.1 or more
///     background    it overlaps no object so far
///
/// An object is missed where nothing found it, and nothing of wrong place or wrong class overlaps it most.
///
/// After TIDE (Bolya, Foley, Hays and Hoffman, ECCV 2020), which gives shares of AP instead of counts.
package struct DetectionFaults: Equatable, Sendable {
    package struct Counts: Equatable, Sendable, Codable {
        /// Without crowds.
        package var objects = 0
        /// Detections looked at.
        package var detections = 0
        package var right = 0
        package var double = 0
        package var wrongPlace = 0
        package var wrongClass = 0
        package var bothWrong = 0
        package var background = 0
        /// Objects.
        package var missed = 0

        static func + (a: Counts, b: Counts) -> Counts {
            Counts(
                objects: a.objects + b.objects, detections: a.detections + b.detections, right: a.right + b.right,
                double: a.double + b.double, wrongPlace: a.wrongPlace + b.wrongPlace,
                wrongClass: a.wrongClass + b.wrongClass, bothWrong: a.bothWrong + b.bothWrong,
                background: a.background + b.background, missed: a.missed + b.missed)
        }
    }

    package let kind: COCOScore.Kind
    package let lowestScore: Double
    /// By class.
    package let classes: [Counts]
    package var total: Counts { classes.reduce(Counts(), +) }

    /// What is found with a lower score is no fault, unless another bound is asked for.
    package static let lowestScore = 0.3
    static let found = 0.5
    static let touched = 0.1

    /// - Parameters:
    ///   - scoring: results and data; classes are looked at in any case.
    ///   - kind: of masks only where all have one.
    ///   - lowestScore: detections below it are not there.
    package init(_ scoring: COCOScoring, _ kind: COCOScore.Kind, lowestScore: Double) {
        let found = DetectionsByImage(
            scoring.results.detections.filter { $0.score >= lowestScore }, images: scoring.data.images.count)
        let parts = concurrently(scoring.data.images.count, threads: scoring.threads) { image in
            ImageScoring(scoring, kind, image: image, found: found).faults()
        }
        var classes = [Counts](repeating: Counts(), count: scoring.data.classes.count)
        for (number, counts) in parts.joined() { classes[number] = classes[number] + counts }
        self.kind = kind
        self.lowestScore = lowestScore
        self.classes = classes
    }
}

extension ImageScoring {
    /// The counts of this image, by class.
    func faults() -> [(class: Int, counts: DetectionFaults.Counts)] {
        var counts: [Int: DetectionFaults.Counts] = [:]
        for object in objects where !object.isCrowd { counts[object.classIndex, default: .init()].objects += 1 }
        // Objects that something has found, or lies at in another way.
        var isSeen = [Bool](repeating: false, count: objects.count)
        for (number, found) in Dictionary(grouping: detections, by: \.classIndex) {
            let ranked = Self.ranked(found)
            let shapes = Shapes(ranked, objects, kind)
            let own = objects.indices.filter { objects[$0].classIndex == number }
            let matching = DetectionMatching(
                areas: shapes.areas,
                objects: own.map { .init(id: $0 + 1, area: objects[$0].area, isCrowd: objects[$0].isCrowd) },
                overlaps: ranked.indices.flatMap { detection in
                    own.map { shapes.overlaps[detection * objects.count + $0] }
                },
                size: .all, thresholds: [DetectionFaults.found])
            for detection in ranked.indices {
                let chosen = Int(matching.chosen[detection])
                if chosen >= matching.countedObjects || (chosen < 0 && matching.isIgnored[detection]) { continue }
                counts[number, default: .init()].detections += 1
                if chosen >= 0 {
                    isSeen[own[matching.objectOrder[chosen]]] = true
                    counts[number, default: .init()].right += 1
                    continue
                }
                /// The object of this class, or of others, that is overlapped most.
                func nearest(ofClass isOwn: Bool) -> (overlap: Double, object: Int) {
                    var best = (overlap: 0.0, object: -1)
                    for (place, object) in objects.enumerated()
                    where !object.isCrowd && (object.classIndex == number) == isOwn {
                        let overlap = shapes.overlaps[detection * objects.count + place]
                        if overlap > best.overlap { best = (overlap, place) }
                    }
                    return best
                }
                let (near, other) = (nearest(ofClass: true), nearest(ofClass: false))
                if near.overlap >= DetectionFaults.found {
                    counts[number, default: .init()].double += 1
                } else if near.overlap >= DetectionFaults.touched {
                    counts[number, default: .init()].wrongPlace += 1
                    isSeen[near.object] = true
                } else if other.overlap >= DetectionFaults.found {
                    counts[number, default: .init()].wrongClass += 1
                    isSeen[other.object] = true
                } else if other.overlap >= DetectionFaults.touched {
                    counts[number, default: .init()].bothWrong += 1
                } else {
                    counts[number, default: .init()].background += 1
                }
            }
        }
        for (place, object) in objects.enumerated() where !object.isCrowd && !isSeen[place] {
            counts[object.classIndex, default: .init()].missed += 1
        }
        return counts.map { (class: $0.key, counts: $0.value) }
    }
}
