import Foundation
import SelfPatchData
import SelfPatchFormats
import Testing

/// Lists of results: what is read, and what is refused.
@Suite struct DetectionResultsTests {
    private let box = "\"image_id\": 7, \"category_id\": 18, \"score\": 0.5, \"bbox\": [1, 2, 3, 4]"
    private let mask = "\"segmentation\": {\"size\": [60, 80], \"counts\": \"03me4\"}"

    private func read(_ text: String) throws -> DetectionResults {
        try DetectionResults(file: DrawnCOCO.file(text, "results.json"), for: DrawnCOCO().read().data, threads: 2)
    }

    @Test func readsBoxesMasksOrBoth() throws {
        let both = try read("[{\(box), \(mask)}, {\(mask), \(box)}]")
        #expect(both.hasBoxes && both.hasMasks && both.detections.count == 2)
        let first = both.detections[0]
        #expect(first.image == 1 && first.classIndex == 1 && first.score == 0.5)
        #expect(first.box == DetectionBox(x: 1, y: 2, width: 3, height: 4) && first.mask?.runs == [0, 3, 4797])
        let boxes = try read("[{\(box)}]")
        #expect(boxes.hasBoxes && !boxes.hasMasks && boxes.detections[0].mask == nil)
        let masks = try read(
            "[{\"image_id\": 3, \"category_id\": 1, \"score\": 2, \"segmentation\": [[1, 1, 9, 1, 9, 9]]}]")
        #expect(!masks.hasBoxes && masks.hasMasks && masks.detections[0].mask?.height == 40)
        let none = try read("[]")
        #expect(none.detections.isEmpty && none.hasBoxes && none.hasMasks)
    }

    @Test func aPartOfTheClassesKeepsItsResults() throws {
        let data = try DrawnCOCO().read().data
        let other = box.replacing("18", with: "90")
        let results = try read("[{\(box)}, {\(other)}]")
        let part = try data.keeping(classes: ["cup"])
        let kept = results.keeping(classesOf: part, of: data)
        #expect(kept.detections.count == 1 && kept.detections[0].classIndex == 0 && kept.hasBoxes)
    }

    @Test(
        arguments: [
            ("score", "NaN", "result 2 of image 7 has the score NaN"),
            ("score", "null", "result 2: at byte"), ("score", nil, "result 2 has no score"),
            ("image_id", nil, "result 2 has no image_id"), ("category_id", nil, "result 2 has no category_id"),
            ("bbox", nil, "result 2 of image 7 has no bbox, the first result has one"),
            ("bbox", "[1, 2, 3]", "result 2 of image 7 has the bbox [1.0, 2.0, 3.0]"),
            ("bbox", "[1, 2, Infinity, 4]", "result 2 of image 7 has the bbox [1.0, 2.0, inf, 4.0]"),
            ("segmentation", nil, "result 2 of image 7 has no segmentation"),
            (
                "segmentation", "{\"size\": [60, 81], \"counts\": \"03me4\"}",
                "result 2 of image 7 has a mask of 60 x 81"
            ),
            (
                "segmentation", "{\"size\": [60, 80], \"counts\": \"0\\u00e9\"}",
                "result 2 of image 7 holds the byte 195"
            ),
            (
                "image_id", "8",
                "1 of 2 results are of images that the annotations do not list: 8. The annotations have 2 images"
            ),
            ("image_id", "\"b.png\"", "result 2: at byte"),
            ("bbox", "[1e308, 0, -1e308, 5]", "result 2 of image 7 has the bbox [1e+308, 0.0, -1e+308, 5.0]"),
            (
                "category_id", "-9223372036854775807",
                "categories that the annotations do not list: -9223372036854775807"
            ),
            ("category_id", "17", "categories that the annotations do not list: 17; the nearest is 18, 'dog'"),
        ] as [(String, String?, String)])
    func oneBadFieldIsNamed(key: String, value: String?, words: String) {
        let members = [
            ("image_id", "7"), ("category_id", "18"), ("score", "0.5"), ("bbox", "[1, 2, 3, 4]"),
            ("segmentation", "{\"size\": [60, 80], \"counts\": \"03me4\"}"),
        ].compactMap { name, usual in (name == key ? value : usual).map { "\"\(name)\": \($0)" } }
        let text = "[{\(box), \(mask)}, {\(members.joined(separator: ", "))}]"
        let error = #expect(throws: UserError.self) { try read(text) }
        let message = error?.message ?? ""
        #expect(message.hasPrefix("The results results.json cannot be scored, 1 problem:\n  "), "\(message)")
        #expect(message.contains(words), "\(message)")
    }

    @Test(
        arguments: [
            ("{}", "a list of results is expected"), ("", "ends within"), ("[{}]", "has no image_id"),
            ("[{\"image_id\": 7, \"category_id\": 18, \"score\": 1}]", "result 1 has neither bbox nor segmentation"),
            ("[{\"image_id\": 7", "ends within"), ("[1]", "result 1: at byte 1 an object is expected"),
        ])
    func otherFilesAreRefused(text: String, words: String) {
        let error = #expect(throws: UserError.self) { try read(text) }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("results.json") == true)
    }
}
