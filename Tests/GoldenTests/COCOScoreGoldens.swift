import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import TestSupport
import Testing

/// COCO's score against pycocotools: twelve numbers, classes, matches, curves.
@Suite struct COCOScoreGoldens {
    struct Index: Decodable {
        let tolerance: Tolerance
        let iou_thresholds: [Double]
        let recall_thresholds: [Double]
        let area_ranges: [[Double]]
        let max_detections: [Int]
        let iou: String
        let evaluation: [Entry]
    }

    struct Tolerance: Decodable {
        let scores: Double
        let iou: Double
    }

    struct Entry: Decodable {
        let name: String
        let file: String
        let kinds: [String]
    }

    struct Case: Decodable {
        let use_categories: Bool
        let segm_keeps_box: Bool
        let expected: [String: Expected]
    }

    struct Expected: Decodable {
        let stats: [String: Double]
        let classes: [ClassFigures]
        let matches: [Matches]?
        let precision_at_50_and_75: [String: [[Double]]]?
    }

    struct ClassFigures: Decodable {
        let category_id: Int
        let AP: Double
        let AP50: Double
        let AP75: Double
        let AR100: Double
        let AP_small: Double
        let AP_medium: Double
        let AP_large: Double
        let recall: [Double]
    }

    struct Matches: Decodable {
        let image_id: Int
        let category_id: Int
        let detections: [Int]
        let truths: [Int]
        let matched_truth: [[Int]]
        let detection_ignored: [[Int]]
        let truth_ignored: [Int]
    }

    struct Overlaps: Decodable {
        struct Boxes: Decodable {
            let detections: [[Double]]
            let truths: [[Double]]
            let crowd: [Int]
            let iou: [[Double]]
        }

        struct Masks: Decodable {
            let size: [Int]
            let detections: [String]
            let truths: [String]
            let crowd: [Int]
            let iou: [[Double]]
        }

        let boxes: [Boxes]
        let masks: [Masks]
    }

    /// The text of one member of a file's object as a file of its own.
    private func member(_ name: String, of path: String) throws -> MappedFile {
        let file = try MappedFile(path: path)
        let range = try JSONReader.read(file) { json in
            var range: Range<Int>?
            try json.object { json, key in
                _ = try json.kind()  // Passes over white space.
                let start = json.offset
                try json.skip()
                if key == name { range = start..<json.offset }
            }
            return range
        }
        let place = try #require(range, "\(path) has no \(name)")
        return file.withBytes { MappedFile(copying: UnsafeRawBufferPointer(rebasing: $0[place]), path: path) }
    }

    private func box(_ numbers: [Double]) -> DetectionBox {
        DetectionBox(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
    }

    @Test(.requires(Goldens.of(.coco)), arguments: Goldens.folders(.coco))
    func goldenThresholdsToTheBit(folder: Goldens.Folder) throws {
        let index = try folder.decode(Index.self, from: "cases.json")
        #expect(COCOThresholds.overlaps == index.iou_thresholds)
        #expect(COCOThresholds.recalls == index.recall_thresholds)
        #expect(COCOThresholds.Size.allCases.map { [$0.range.lowerBound, $0.range.upperBound] } == index.area_ranges)
        #expect(COCOThresholds.detections == index.max_detections)
    }

    @Test(.requires(Goldens.of(.coco)), arguments: Goldens.folders(.coco))
    func goldenOverlaps(folder: Goldens.Folder) throws {
        let index = try folder.decode(Index.self, from: "cases.json")
        let cases = try folder.decode(Overlaps.self, from: index.iou)
        #expect(!cases.boxes.isEmpty && !cases.masks.isEmpty)
        for item in cases.boxes {
            for (i, detection) in item.detections.enumerated() {
                for (j, truth) in item.truths.enumerated() {
                    let value = DetectionOverlap.ofBoxes(box(detection), box(truth), isCrowd: item.crowd[j] != 0)
                    #expect(abs(value - item.iou[i][j]) <= index.tolerance.iou)
                }
            }
        }
        for item in cases.masks {
            func mask(_ text: String) throws -> MeasuredMask {
                MeasuredMask(
                    try RunLengthMask(height: item.size[0], width: item.size[1], text: Array(text.utf8)))
            }
            for (i, detection) in item.detections.enumerated() {
                for (j, truth) in item.truths.enumerated() {
                    let value = DetectionOverlap.ofMasks(
                        try mask(detection), try mask(truth), isCrowd: item.crowd[j] != 0)
                    #expect(abs(value - item.iou[i][j]) <= index.tolerance.iou)
                }
            }
        }
    }

    @Test(.requires(Goldens.of(.coco)), arguments: Goldens.folders(.coco))
    func goldenScoresToTheLastDigit(folder: Goldens.Folder) throws {
        let index = try folder.decode(Index.self, from: "cases.json")
        #expect(!index.evaluation.isEmpty)
        for entry in index.evaluation {
            let item = try folder.decode(Case.self, from: entry.file)
            let path = folder.file(entry.file)
            let data = try COCOAnnotations(file: member("ground_truth", of: path)).data
            let results = try DetectionResults(file: member("detections", of: path), for: data)
            #expect(Set(item.expected.keys) == Set(entry.kinds), "\(entry.name)")
            for (name, expected) in item.expected {
                let kind = try #require(COCOScore.Kind(rawValue: name))
                let keepsBoxes = kind == .boxes || item.segm_keeps_box
                let scored = DetectionResults(
                    results.detections.map {
                        Detection(
                            image: $0.image, classIndex: $0.classIndex, score: $0.score,
                            box: keepsBoxes ? $0.box : nil, mask: kind == .boxes ? nil : $0.mask)
                    })
                var scoring = COCOScoring(scored, against: data)
                scoring.usesClasses = item.use_categories
                let score = try scoring.score(kind)
                let title = "\(entry.name), \(name)"
                compare(score, expected, title, tolerance: index.tolerance.scores)
                try compareMatches(expected.matches ?? [], data, results, kind, keepsBoxes, title)
            }
        }
    }

    private func compare(_ score: COCOScore, _ expected: Expected, _ title: String, tolerance: Double) {
        func same(_ value: Double?, _ wanted: Double?, _ words: String) {
            #expect(abs((value ?? -1) - (wanted ?? .nan)) <= tolerance, "\(title): \(words)")
        }
        #expect(score.figures().count == 12 && expected.stats.count == 12)
        for figure in score.figures() { same(figure.value, expected.stats[figure.name], figure.name) }
        #expect(score.curves.count == expected.classes.count, "\(title)")
        for (place, wanted) in expected.classes.enumerated() where score.curves.indices.contains(place) {
            let words = "class \(wanted.category_id)"
            if !score.classes.isEmpty { #expect(score.classes[place].id == wanted.category_id, "\(title)") }
            same(score.averagePrecision(ofClass: place), wanted.AP, "\(words) AP")
            same(score.averagePrecision(threshold: 0, ofClass: place), wanted.AP50, "\(words) AP50")
            same(score.averagePrecision(threshold: 5, ofClass: place), wanted.AP75, "\(words) AP75")
            same(score.averagePrecision(.small, ofClass: place), wanted.AP_small, "\(words) AP small")
            same(score.averagePrecision(.medium, ofClass: place), wanted.AP_medium, "\(words) AP medium")
            same(score.averagePrecision(.large, ofClass: place), wanted.AP_large, "\(words) AP large")
            same(score.averageRecall(ofClass: place), wanted.AR100, "\(words) AR100")
            let recall = score.curves[place].recall[0]
            for (row, value) in wanted.recall.enumerated() {
                same(recall.isEmpty ? nil : recall[row], value, "\(words) recall \(row)")
            }
            let width = COCOThresholds.recalls.count
            if let curves = expected.precision_at_50_and_75?[String(wanted.category_id)] {
                let precision = score.curves[place].precision[0]
                for (row, curve) in zip([0, 5], curves) {
                    for (recall, value) in curve.enumerated() {
                        same(
                            precision.isEmpty ? nil : precision[row * width + recall], value,
                            "\(words) precision \(row) \(recall)")
                    }
                }
            }
        }
    }

    private func compareMatches(
        _ matches: [Matches], _ data: DetectionData, _ results: DetectionResults, _ kind: COCOScore.Kind,
        _ keepsBoxes: Bool, _ title: String
    ) throws {
        for wanted in matches {
            let words = "\(title): image \(wanted.image_id), class \(wanted.category_id)"
            let image = try #require(data.images.firstIndex { $0.id == wanted.image_id })
            let number = data.classes.firstIndex { $0.id == wanted.category_id }
            let objects = data.images[image].objects.filter { number == nil || $0.classIndex == number }
            let found = results.detections.indices.filter {
                results.detections[$0].image == image && (number == nil || results.detections[$0].classIndex == number)
            }
            let ranked = found.sorted {
                let (a, b) = (results.detections[$0].score, results.detections[$1].score)
                return a != b ? a > b : $0 < $1
            }.prefix(100)
            #expect(ranked.map { $0 + 1 } == wanted.detections, "\(words)")
            let detections = ranked.map { results.detections[$0] }
            let overlaps = try detections.flatMap { detection in
                try objects.map { object in
                    if kind == .boxes {
                        return DetectionOverlap.ofBoxes(
                            try #require(detection.box), object.box, isCrowd: object.isCrowd)
                    }
                    return DetectionOverlap.ofMasks(
                        MeasuredMask(try #require(detection.mask)), MeasuredMask(try #require(object.mask)),
                        isCrowd: object.isCrowd)
                }
            }
            let matching = DetectionMatching(
                areas: detections.map {
                    keepsBoxes ? $0.box?.area ?? 0 : Double($0.mask?.area ?? 0)
                },
                objects: objects.map { .init(id: $0.id, area: $0.area, isCrowd: $0.isCrowd) }, overlaps: overlaps,
                size: .all)
            #expect(matching.objectOrder.map { objects[$0].id } == wanted.truths, "\(words)")
            #expect(matching.countedObjects == wanted.truth_ignored.count { $0 == 0 }, "\(words)")
            for (row, ids) in wanted.matched_truth.enumerated() {
                let range = row * detections.count..<(row + 1) * detections.count
                let chosen = matching.chosen[range].map { $0 < 0 ? 0 : objects[matching.objectOrder[Int($0)]].id }
                #expect(chosen == ids, "\(words), threshold \(row)")
                #expect(
                    matching.isIgnored[range].map { $0 ? 1 : 0 } == wanted.detection_ignored[row],
                    "\(words), threshold \(row)")
            }
        }
    }
}
