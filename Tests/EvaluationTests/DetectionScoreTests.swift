import SelfPatchData
import SelfPatchEvaluation
import SelfPatchTensors
import Testing

/// Laws of the score of detections, and the counts of faults on a picture whose faults are known.
@Suite struct DetectionScoreTests {
    /// Objects and detections that are drawn from a seed; every third detection is drawn near an object.
    private func drawn(images: Int, seed: UInt64) -> (data: DetectionData, results: [Detection]) {
        var generator = KeyedGenerator(seed)
        func box() -> DetectionBox {
            DetectionBox(
                x: generator.uniform(0, 60), y: generator.uniform(0, 60), width: generator.uniform(1, 40),
                height: generator.uniform(1, 40))
        }
        func mask(_ box: DetectionBox) -> RunLengthMask {
            var bitmap = [UInt8](repeating: 0, count: 100 * 100)
            for row in Int(box.y)..<Int(box.y + box.height) + 1 {
                for column in Int(box.x)..<Int(box.x + box.width) + 1 { bitmap[row * 100 + column] = 1 }
            }
            return RunLengthMask(bitmap: bitmap, height: 100, width: 100)
        }
        var (pictures, results) = ([DetectionImage](), [Detection]())
        for image in 0..<images {
            var picture = DetectionImage(id: image + 1, file: "", height: 100, width: 100)
            for _ in 0..<Int(generator.uniform(0, 6)) {
                let place = box()
                picture.objects.append(
                    DetectionObject(
                        id: 100 * image + picture.objects.count + 1, classIndex: Int(generator.uniform(0, 3)),
                        box: place,
                        area: place.area, isCrowd: generator.uniform() < 0.1, mask: mask(place)))
            }
            for number in 0..<Int(generator.uniform(0, 12)) {
                var place = box()
                var number = number % 3
                if generator.uniform() < 0.7, let near = picture.objects.randomElement(using: &generator) {
                    place = near.box
                    place.x = min(place.x + generator.uniform(0, 5), 60)
                    number = near.classIndex
                }
                results.append(
                    Detection(
                        image: image, classIndex: number, score: (generator.uniform() * 10).rounded() / 10, box: place,
                        mask: mask(place)))
            }
            pictures.append(picture)
        }
        let classes = (0..<3).map { DetectionClass(name: "class \($0)", id: 2 * $0 + 1) }
        return (DetectionData(classes: classes, images: pictures), results)
    }

    @Test(arguments: COCOScore.Kind.allCases) func threadsDoNotChangeABit(kind: COCOScore.Kind) throws {
        let (data, results) = drawn(images: 200, seed: 1)
        var scoring = COCOScoring(DetectionResults(results), against: data)
        scoring.threads = 1
        let (one, faults) = (try scoring.score(kind), DetectionFaults(scoring, kind, lowestScore: 0.2))
        #expect((one.averagePrecision() ?? 0) > 0.1 && (one.averagePrecision() ?? 1) < 0.9)
        for threads in [2, 3, 7] {
            scoring.threads = threads
            #expect(try scoring.score(kind) == one, "\(threads) threads")
            #expect(DetectionFaults(scoring, kind, lowestScore: 0.2) == faults, "\(threads) threads")
        }
    }

    @Test(arguments: COCOScore.Kind.allCases) func findingAllObjectsScoresOne(kind: COCOScore.Kind) throws {
        let (data, _) = drawn(images: 50, seed: 2)
        let results = data.images.enumerated().flatMap { number, image in
            image.objects.map {
                Detection(image: number, classIndex: $0.classIndex, score: 1, box: $0.box, mask: $0.mask)
            }
        }
        let scoring = COCOScoring(DetectionResults(results), against: data)
        let score = try scoring.score(kind)
        for figure in score.figures() where !["AR1", "AR10"].contains(figure.name) && figure.value != nil {
            #expect(abs((figure.value ?? 0) - 1) < 1e-12, "\(figure.name)")
        }
        let faults = DetectionFaults(scoring, kind, lowestScore: 0)
        #expect(faults.total.right == faults.total.objects && faults.total.missed == 0 && faults.total.objects > 0)
    }

    @Test func higherScoresOfWhatIsRightNeverHarm() throws {
        let (data, results) = drawn(images: 60, seed: 3)
        let before = try COCOScoring(DetectionResults(results), against: data).score(.boxes)
        // Moved to twice the score and one more: every order stays.
        let moved = results.map {
            Detection(image: $0.image, classIndex: $0.classIndex, score: 2 * $0.score + 1, box: $0.box, mask: nil)
        }
        let after = try COCOScoring(DetectionResults(moved), against: data).score(.boxes)
        #expect(after == before)
        // A detection of nothing behind all others changes no precision that was reached.
        let nothing = Detection(
            image: 0, classIndex: 0, score: -1, box: DetectionBox(x: 99, y: 99, width: 1, height: 1), mask: nil)
        let more = try COCOScoring(DetectionResults(moved + [nothing]), against: data).score(.boxes)
        #expect(more.figures() == before.figures())
    }

    @Test func withoutResultsEverythingIsZeroAndWithoutObjectsNothingIsDefined() throws {
        let (data, _) = drawn(images: 20, seed: 4)
        let zeros = try COCOScoring(DetectionResults([]), against: data).score(.boxes)
        #expect(zeros.figures().allSatisfy { $0.value == 0 || $0.value == nil } && zeros.averagePrecision() == 0)
        let empty = DetectionData(
            classes: data.classes, images: [DetectionImage(id: 1, file: "", height: 9, width: 9)])
        let nothing = try COCOScoring(DetectionResults([]), against: empty).score(.boxes)
        #expect(nothing.figures().allSatisfy { $0.value == nil })
    }

    @Test func everyKindOfFaultIsCountedOnce() {
        func square(_ x: Double, _ y: Double, _ side: Double = 10) -> DetectionBox {
            DetectionBox(x: x, y: y, width: side, height: side)
        }
        func object(_ id: Int, _ number: Int, _ box: DetectionBox, isCrowd: Bool = false) -> DetectionObject {
            DetectionObject(id: id, classIndex: number, box: box, area: box.area, isCrowd: isCrowd)
        }
        let image = DetectionImage(
            id: 1, file: "", height: 200, width: 200,
            objects: [
                object(0, 0, square(0, 0)), object(2, 0, square(50, 0)), object(3, 1, square(100, 0)),
                object(4, 1, square(150, 0)), object(5, 0, square(0, 100, 50), isCrowd: true),
                object(6, 1, square(50, 50)),
            ])
        let data = DetectionData(
            classes: [DetectionClass(name: "a", id: 1), DetectionClass(name: "b", id: 2)], images: [image])
        let found: [(Int, Double, DetectionBox)] = [
            (0, 0.9, square(0, 1)),  // right, though the annotation's id is 0
            (0, 0.8, square(0, 0)),  // double
            (0, 0.7, square(55, 5)),  // wrong place
            (0, 0.6, square(100, 1)),  // wrong class
            (0, 0.6, square(155, 5)),  // both wrong
            (0, 0.6, square(20, 20)),  // background
            (0, 0.6, square(10, 110)),  // within the crowd
            (1, 0.6, square(50, 51)),  // right
            (1, 0.1, square(100, 0)),  // below the lowest score
        ]
        let results = found.map { Detection(image: 0, classIndex: $0.0, score: $0.1, box: $0.2) }
        let faults = DetectionFaults(
            COCOScoring(DetectionResults(results), against: data), .boxes, lowestScore: 0.5)
        let a = faults.classes[0]
        #expect(a.objects == 2 && a.detections == 6 && a.right == 1 && a.double == 1 && a.wrongPlace == 1)
        #expect(a.wrongClass == 1 && a.bothWrong == 1 && a.background == 1 && a.missed == 0)
        let b = faults.classes[1]
        #expect(b.objects == 3 && b.detections == 1 && b.right == 1 && b.missed == 1)
        #expect(faults.total.missed == 1 && faults.total.detections == 7)
    }
}
