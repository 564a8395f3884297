import Foundation
import TestSupport
import Testing

/// `selfpatch detect --score` as a user meets it: tables, JSON, bad input.
@Suite struct DetectScoreTests {
    static let annotations = """
        {"images": [{"id": 1, "file_name": "1.jpg", "height": 100, "width": 100},
                    {"id": 5, "file_name": "5.jpg", "height": 100, "width": 100}],
         "categories": [{"id": 3, "name": "dog"}, {"id": 8, "name": "cat"}],
         "annotations": [
           {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0,
            "segmentation": [[10, 10, 50, 10, 50, 50, 10, 50]]},
           {"id": 2, "image_id": 5, "category_id": 8, "bbox": [0, 0, 20, 20], "area": 400, "iscrowd": 0,
            "segmentation": [[0, 0, 20, 0, 20, 20, 0, 20]]}]}
        """
    static let both = """
        [{"image_id": 1, "category_id": 3, "score": 0.9, "bbox": [10, 10, 40, 40],
          "segmentation": [[10, 10, 50, 10, 50, 50, 10, 50]]},
         {"image_id": 5, "category_id": 3, "score": 0.5, "bbox": [60, 60, 20, 20],
          "segmentation": [[60, 60, 80, 60, 80, 80, 60, 80]]}]
        """

    private func run(
        _ annotations: String = annotations, _ results: String = both, _ more: [String] = []
    ) throws -> ProgramRun {
        try withTemporaryFolder { folder in
            try folder.write(annotations, to: "annotations/instances_val.json")
            let path = try folder.write(results, to: "results.json")
            return try ProgramRun.of(["detect", "--score", path, "--data", folder.path] + more)
        }
    }

    @Test func printsNumbersClassesAndFaults() throws {
        let run = try run()
        #expect(run.exitCode == 0 && run.errors == "", "\(run)")
        // One class is found wholly, the other not at all.
        for line in [
            "2 detections in 2 images with 2 objects; figures in per cent", "boxes   masks",
            "AP          50.00   50.00",
            "AP small     0.00    0.00", "AP medium  100.00  100.00", "AP large        -       -",
            "dog          1  100.00  100.00   100.00  100.00",
            "cat          1    0.00    0.00     0.00    0.00",
            "What goes wrong, by masks: 2 detections with a score of at least 0.3", "right        1",
            "background   1", "missed       1   of 2 objects",
            "sizes of masks are those of their boxes",
        ] {
            #expect(run.output.contains(line), "\(line)\n\(run)")
        }
    }

    @Test func printsJSON() throws {
        let run = try run(Self.annotations, Self.both, ["--json", "--classes", "dog", "--threads", "1"])
        let document = try #require(try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let report = try #require(document["report"] as? [String: Any])
        let boxes = try #require(report["boxes"] as? [String: Any])
        #expect((boxes["AP"] as? Double).map { abs($0 - 1) < 1e-12 } == true && boxes["AP_large"] is NSNull, "\(run)")
        #expect((boxes["classes"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["dog"], "\(run)")
        #expect((document["seconds"] as? [String: Double])?.keys.sorted() == ["bbox", "loading", "segm"], "\(run)")
    }

    @Test func boxesAloneAndNothingAtAllAreScored() throws {
        let boxes = try run(
            Self.annotations, "[{\"image_id\": 1, \"category_id\": 3, \"score\": 1, \"bbox\": [10, 10, 40, 40]}]")
        #expect(
            boxes.exitCode == 0 && boxes.output.contains("masks are not scored, for the results have none"), "\(boxes)")
        let none = try run(Self.annotations, "[]")
        #expect(none.exitCode == 0 && none.output.contains("lists no result, which gives zeros"), "\(none)")
        #expect(none.output.contains("AP          0.00   0.00"), "\(none)")
    }

    @Test(
        arguments: [
            ("[{\"image_id\": 77, \"category_id\": 3, \"score\": 1, \"bbox\": [1, 1, 4, 4]}]", "do not list: 77"),
            (
                "[{\"image_id\": 1, \"category_id\": 9, \"score\": 1, \"bbox\": [1, 1, 4, 4]}]",
                "the nearest is 8, 'cat'"
            ),
            ("[{\"image_id\": 1, \"category_id\": 3, \"bbox\": [1, 1, 4, 4]}]", "result 1 has no score"),
            ("[{\"image_id\": 1, \"category_id\": 3, \"score\": NaN, \"bbox\": [1, 1, 4, 4]}]", "the score NaN"),
            ("{\"images\": []}", "a list of results is expected"), ("", "ends within"), ("hello", "no value begins"),
        ])
    func badResultsAreRefused(results: String, words: String) throws {
        let run = try run(Self.annotations, results)
        #expect(run.exitCode == 1 && run.output == "" && run.errors.contains(words), "\(run)")
        #expect(run.errors.contains("results.json"), "\(run)")
    }

    @Test(
        arguments: [
            ("{\"images\": [], \"annotations\": [], \"categories\": []}", "lists no image"),
            ("{\"images\": [{\"id\": 1}]}", "there is no list 'annotations'"), ("[]", "a list may be one of results"),
            ("{\"images\": [", "ends within"),
        ])
    func badAnnotationsAreRefused(annotations: String, words: String) throws {
        let run = try run(annotations)
        #expect(run.exitCode == 1 && run.errors.contains(words), "\(run)")
        #expect(run.errors.contains("instances_val.json"), "\(run)")
    }

    @Test func callsThatCannotBeObeyedSayWhy() throws {
        for (arguments, code, words) in [
            (["detect", "--score", "r.json"], 64, "--score needs --data"),
            (["detect", "--score", "r.json", "--data", "nowhere"], 1, "There is no folder"),
            (["detect", "--score", "r.json", "--data", "d", "--threads=-1"], 64, "--threads is -1"),
            (
                ["detect", "--score", "r.json", "--data", "d", "--output", "o"], 64,
                "--score looks at results that are there"
            ),
        ] as [([String], Int32, String)] {
            let run = try ProgramRun.of(arguments)
            #expect(run.exitCode == code && run.errors.contains(words), "\(run)")
        }
        let other = try run(Self.annotations, Self.both, ["--split", "test"])
        #expect(other.exitCode == 64 && other.errors.contains("instances_test.json. There is 'val'."), "\(other)")
        let unknown = try run(Self.annotations, Self.both, ["--classes", "dgo"])
        #expect(unknown.exitCode == 64 && unknown.errors.contains("Did you mean 'dog'?"), "\(unknown)")
        try withTemporaryFolder { folder in
            try folder.write(Self.annotations, to: "annotations/instances_val.json")
            let missing = try ProgramRun.of("detect", "--score", folder.file("r.json"), "--data", folder.path)
            #expect(missing.exitCode == 1 && missing.errors.contains("r.json"), "\(missing)")
        }
    }
}
