import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import TestSupport
import Testing

/// J and F against the DAVIS 2017 evaluation code, frame by frame.
@Suite struct VideoScoreGoldens {
    struct Cases: Decodable {
        let data: String
        let expected: String
        let refused: [Refused]
    }

    struct Refused: Decodable {
        let name: String
        let why: String
    }

    struct Expected: Decodable {
        let results: [String: Result]
    }

    struct Result: Decodable {
        let folder: String
        let global: Global
        let sequences: [String: Sequence]
    }

    struct Global: Decodable {
        let overall: Double
        let J: VideoScore.Figures
        let F: VideoScore.Figures

        enum CodingKeys: String, CodingKey {
            case J, F
            case overall = "J&F"
        }
    }

    struct Sequence: Decodable {
        let J: VideoScore.Figures
        let F: VideoScore.Figures
        let frames: [String]
        let objects: [String: [String: Values]]
    }

    struct Values: Decodable {
        let mean: Double
        let recall: Double
        let decay: Double
        let frames: [Double]
    }

    @Test(.requires(Goldens.of(.davis)), arguments: Goldens.folders(.davis))
    func goldenSequencesInEveryFrame(folder: Goldens.Folder) throws {
        let cases = try folder.decode(Cases.self, from: "cases.json")
        let data = try DAVISFolder(root: folder.file(cases.data))
        try compare(folder.decode(Expected.self, from: cases.expected), data: data, below: folder.path)
    }

    @Test(.requires(Goldens.of(.davis)), arguments: Goldens.folders(.davis))
    func goldenRefusalsSayWhy(folder: Goldens.Folder) throws {
        let words = [
            "index-too-high": "the result holds object", "void-in-result": "the result holds object 255",
            "frame-missing": "is not there", "other-size": "the annotation",
        ]
        let cases = try folder.decode(Cases.self, from: "cases.json")
        for item in cases.refused {
            let root = folder.file("refused/\(item.name)")
            let data = try DAVISFolder(root: root)
            let error = #expect(throws: UserError.self, "\(item.name): \(item.why)") {
                try VideoScoring(data: data, results: root + "/results").score()
            }
            let message = error?.message ?? ""
            #expect(message.contains(words[item.name] ?? "cannot be scored"), "\(item.name): \(message)")
            #expect(message.contains(".png"), "\(item.name) names the mask: \(message)")
        }
    }

    @Test(.requires(SharedData.davis)) func goldenResultsOnRealSequences() throws {
        let root = try #require(SharedData.davis.path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: root + "/predictions/expected.json"))
        try compare(
            JSONDecoder().decode(Expected.self, from: bytes), data: DAVISFolder(root: root), below: root)
    }

    private func compare(_ expected: Expected, data: DAVISFolder, below root: String) throws {
        #expect(!expected.results.isEmpty)
        for (name, result) in expected.results {
            // The annotation scored against itself lies where annotations do.
            let score = try VideoScoring(data: data, results: root + "/" + result.folder).score()
            func same(_ value: Double, _ expected: Double, _ what: String) {
                #expect(abs(value - expected) < 1e-6, "\(name): \(what)")
            }
            func same(_ value: VideoScore.Figures, _ expected: VideoScore.Figures, _ what: String) {
                same(value.mean, expected.mean, what + " mean")
                same(value.recall, expected.recall, what + " recall")
                same(value.decay, expected.decay, what + " decay")
            }
            same(score.overall, result.global.overall, "J&F")
            same(score.region, result.global.J, "J")
            same(score.contour, result.global.F, "F")
            #expect(Set(score.sequences.map(\.name)) == Set(result.sequences.keys))
            for sequence in score.sequences {
                let wanted = try #require(result.sequences[sequence.name])
                #expect(sequence.frames == wanted.frames, "\(name): frames of \(sequence.name)")
                same(sequence.region, wanted.J, "J of \(sequence.name)")
                same(sequence.contour, wanted.F, "F of \(sequence.name)")
                #expect(sequence.objects.count == wanted.objects.count)
                for object in sequence.objects {
                    let measures = try #require(wanted.objects[String(object.number)])
                    for (letter, figures, values) in [
                        ("J", object.region, object.regionValues), ("F", object.contour, object.contourValues),
                    ] {
                        let what = "\(letter) of \(sequence.name), object \(object.number)"
                        let wanted = try #require(measures[letter])
                        same(
                            figures,
                            VideoScore.Figures(mean: wanted.mean, recall: wanted.recall, decay: wanted.decay), what)
                        #expect(values.count == wanted.frames.count, "\(name): \(what)")
                        for (frame, pair) in zip(values, wanted.frames).enumerated() {
                            same(pair.0, pair.1, "\(what), frame \(frame)")
                        }
                    }
                }
            }
        }
    }
}
