import SelfPatchData
import SelfPatchEvaluation
import TestSupport
import Testing

/// Figures of segmentation against mmsegmentation's own function.
@Suite struct ConfusionMatrixGoldens {
    struct File: Decodable {
        let cases: [Case]
    }

    struct Case: Decodable {
        let name: String
        let classes: Int
        let ignore: Int
        let reduceZeroLabel: Bool
        let images: [Image]
        let counts: Counts
        let expected: Expected

        enum CodingKeys: String, CodingKey {
            case name, classes, ignore, images, counts, expected
            case reduceZeroLabel = "reduce_zero_label"
        }
    }

    struct Image: Decodable {
        let truth: String
        let prediction: String
        let height: Int
        let width: Int
    }

    struct Counts: Decodable {
        let intersection: [Int]
        let predicted: [Int]
        let labelled: [Int]
    }

    struct Expected: Decodable {
        let mIoU: Double?
        let mAcc: Double?
        let aAcc: Double?
        let IoU: [Double?]
        let Acc: [Double?]
    }

    @Test(.requires(Goldens.of(.segmentation)), arguments: Goldens.folders(.segmentation))
    func everyCaseToTheLastDigit(folder: Goldens.Folder) throws {
        let file = try folder.decode(File.self, from: "cases.json")
        #expect(!file.cases.isEmpty)
        for item in file.cases {
            var matrix = ConfusionMatrix(classCount: item.classes)
            for image in item.images {
                let predicted = try ImageFile.labels(path: folder.file(image.prediction))
                var truth = try ImageFile.labels(path: folder.file(image.truth)).bytes.map(Int.init)
                #expect(predicted.height == image.height && predicted.width == image.width, "\(item.name)")
                if item.reduceZeroLabel {
                    truth = truth.map { $0 == 0 || $0 == 255 ? item.ignore : $0 - 1 }
                }
                matrix.add(truth: truth, predicted: predicted.bytes, ignored: item.ignore)
            }
            let numbers = 0..<item.classes
            #expect(numbers.map(matrix.intersection) == item.counts.intersection, "\(item.name): intersection")
            #expect(numbers.map(matrix.predicted) == item.counts.predicted, "\(item.name): predicted")
            #expect(numbers.map(matrix.labelled) == item.counts.labelled, "\(item.name): labelled")
            let figures: [(String, Double?, Double?)] =
                [
                    ("mIoU", matrix.meanIntersectionOverUnion, item.expected.mIoU),
                    ("mAcc", matrix.meanAccuracy, item.expected.mAcc), ("aAcc", matrix.accuracy, item.expected.aAcc),
                ]
                + numbers.map { ("IoU of \($0)", matrix.intersectionOverUnion(of: $0), item.expected.IoU[$0]) }
                + numbers.map { ("accuracy of \($0)", matrix.accuracy(of: $0), item.expected.Acc[$0]) }
            for (name, value, expected) in figures {
                switch (value, expected) {
                case (nil, nil): break
                case (let value?, let expected?): #expect(abs(value - expected) < 1e-12, "\(item.name): \(name)")
                default: Issue.record("\(item.name): \(name) is \(value as Any), not \(expected as Any)")
                }
            }
        }
    }
}
