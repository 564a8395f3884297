import SelfPatchData

/// One image in a score: its detections and objects, class by class, and how they overlap.
struct ImageScoring {
    let scoring: COCOScoring
    let kind: COCOScore.Kind
    let detections: [Detection]
    let objects: [DetectionObject]

    init(_ scoring: COCOScoring, _ kind: COCOScore.Kind, image: Int, found: DetectionsByImage) {
        self.scoring = scoring
        self.kind = kind
        detections = found[image]
        objects = scoring.data.images[image].objects
    }

    /// What was found of each class that the image has, or was said to have.
    func matched() -> [(class: Int, image: PrecisionRecall.Image)] {
        // Objects and detections class by class, those of a class in the order of their files.
        func byClass<Value>(_ values: [Value], _ number: (Value) -> Int) -> [(class: Int, places: [Int])] {
            let order = values.indices.sorted { (number(values[$0]), $0) < (number(values[$1]), $1) }
            guard scoring.usesClasses else { return order.isEmpty ? [] : [(0, order)] }
            var groups: [(class: Int, places: [Int])] = []
            for place in order {
                if groups.last?.class == number(values[place]) {
                    groups[groups.count - 1].places.append(place)
                } else {
                    groups.append((number(values[place]), [place]))
                }
            }
            return groups
        }
        let truths = byClass(objects, \.classIndex)
        let found = byClass(detections, \.classIndex)
        var pairs: [(class: Int, image: PrecisionRecall.Image)] = []
        var (i, j) = (0, 0)
        while i < truths.count || j < found.count {
            let number = min(i < truths.count ? truths[i].class : .max, j < found.count ? found[j].class : .max)
            var (objects, detections) = ([Int](), [Int]())
            if i < truths.count, truths[i].class == number {
                objects = truths[i].places
                i += 1
            }
            if j < found.count, found[j].class == number {
                detections = found[j].places
                j += 1
            }
            pairs.append((number, matched(detections, objects)))
        }
        return pairs
    }

    /// Matches one class.
    private func matched(_ detectionPlaces: [Int], _ objectPlaces: [Int]) -> PrecisionRecall.Image {
        let ranked = Self.ranked(detectionPlaces.map { detections[$0] })
        let truths = objectPlaces.map { self.objects[$0] }
        let objects = truths.map { DetectionMatching.Object(id: $0.id, area: $0.area, isCrowd: $0.isCrowd) }
        let shapes = Shapes(ranked, truths, kind)
        var image = PrecisionRecall.Image()
        image.scores = ranked.map(\.score)
        image.bits.reserveCapacity(ranked.count * COCOThresholds.Size.allCases.count)
        for size in COCOThresholds.Size.allCases {
            guard !objects.isEmpty else {
                let range = size.range
                image.bits += shapes.areas.map {
                    DetectionMatching.Bits(found: 0, ignored: range.contains($0) ? 0 : .max)
                }
                continue
            }
            let matching = DetectionMatching(
                areas: shapes.areas, objects: objects, overlaps: shapes.overlaps, size: size)
            image.objectCounts[size.rawValue] = matching.countedObjects
            image.bits += ranked.indices.map { matching.bits(of: $0, among: ranked.count, objects) }
        }
        return image
    }

    /// The first 100 by score; of equal ones the earlier.
    static func ranked(_ detections: [Detection]) -> [Detection] {
        let order = detections.indices.sorted {
            let (a, b) = (detections[$0].score, detections[$1].score)
            return a != b ? a > b : $0 < $1
        }
        return order.prefix(COCOThresholds.detections.last ?? 0).map { detections[$0] }
    }

    /// Areas of detections, and overlaps with objects.
    struct Shapes {
        let areas: [Double]
        /// `[detections, objects]`
        let overlaps: [Double]

        init(_ detections: [Detection], _ objects: [DetectionObject], _ kind: COCOScore.Kind) {
            let needsMasks = kind == .masks || detections.contains { $0.box == nil }
            let masks = needsMasks ? detections.map { $0.mask.map(MeasuredMask.init) } : []
            // Loading results, pycocotools gives all the area of their box where they have one, whatever is scored.
            areas = detections.indices.map { place in
                detections[place].box?.area ?? masks[place].map { Double($0.area) } ?? 0
            }
            var overlaps: [Double] = []
            overlaps.reserveCapacity(detections.count * objects.count)
            switch kind {
            case .boxes:
                for (place, detection) in detections.enumerated() {
                    let box = detection.box ?? masks[place]?.box ?? DetectionBox(x: 0, y: 0, width: 0, height: 0)
                    for object in objects {
                        overlaps.append(DetectionOverlap.ofBoxes(box, object.box, isCrowd: object.isCrowd))
                    }
                }
            case .masks:
                let truths = detections.isEmpty ? [] : objects.map { $0.mask.map(MeasuredMask.init) }
                for mask in masks {
                    for (object, truth) in zip(objects, truths) {
                        guard let mask, let truth else {
                            preconditionFailure("masks are scored of which one is not there")
                        }
                        overlaps.append(DetectionOverlap.ofMasks(mask, truth, isCrowd: object.isCrowd))
                    }
                }
            }
            self.overlaps = overlaps
        }
    }
}
