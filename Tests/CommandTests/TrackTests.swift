import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct TrackTests {
    private struct Document: Decodable {
        struct Score: Decodable {
            let global: Global
            let sequences: [String: Sequence]
        }
        struct Sequence: Decodable {
            let frames: [String]
            let objects: [String: [String: Values]]
        }
        struct Values: Decodable {
            let mean: Double
        }
        struct Global: Decodable {
            let overall: Double
            enum CodingKeys: String, CodingKey { case overall = "J&F" }
        }
        struct Timing: Decodable {
            let frames: Int
        }
        struct Settings: Decodable {
            let shorterSide: Int
            let deviation: [Double]
        }
        let score: Score?
        let timing: Timing
        let settings: Settings
        let peakMemory: Int
    }

    private static let options = ["--side", "40", "--multiple", "4", "--threads", "1", "--device", "cpu"]

    private func folder(_ body: (TemporaryFolder, String) throws -> Void) throws {
        try withTemporaryFolder { place in try body(place, TinyClip.weights(in: place)) }
    }

    private func document(_ path: String) throws -> Document {
        try JSONDecoder().decode(Document.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    @Test func tracksAndScoresADAVISFolder() throws {
        try folder { place, weights in
            try TinyClip().write(as: "moving", to: place)
            try TinyClip(frames: 4, speed: 0).write(as: "still", to: place)
            try TinyClip().write(as: "unannotated", to: place, annotated: 0..<1)
            try place.write("moving\nstill\nunannotated\n", to: "ImageSets/2017/val.txt")
            let output = place.file("tracked")
            let run = try ProgramRun.of(
                ["track", "--weights", weights, "--data", place.path, "--output", output] + Self.options)
            #expect(run.exitCode == 0, "\(run)")
            #expect(run.output.contains("not scored, for want of later annotation: unannotated"), "\(run)")
            #expect(run.output.contains("moving_2") && run.output.contains("all 4 objects"), "\(run)")

            for (name, count) in [("moving", 5), ("still", 4), ("unannotated", 5)] {
                for frame in 0..<count {
                    let path = "\(output)/\(name)/\(TinyClip().frameName(frame)).png"
                    let mask = try ImageFile.labels(path: path)
                    #expect(mask.height == 40 && mask.width == 56)
                    #expect(Set(mask.bytes).isSubset(of: [0, 1, 2]) && mask.bytes.contains(1))
                    // DAVIS's colours: object 1 is dark red.
                    let first = try #require(mask.bytes.firstIndex(of: 1))
                    let color = try ImageFile.decode(path: path, channels: 3)
                    #expect(Array(color.bytes[3 * first..<3 * first + 3]) == [128, 0, 0])
                }
                let sheet = try ImageFile.decode(path: "\(output)/overlay/\(name).png", channels: 3)
                #expect(sheet.width > 2 * 56)
            }
            // The first mask is passed on as it is.
            let given = try ImageFile.labels(path: place.file("Annotations/480p/moving/00000.png"))
            #expect(try ImageFile.labels(path: "\(output)/moving/00000.png") == given)

            let written = try document("\(output)/track.json")
            let score = try #require(written.score)
            #expect(written.timing.frames == 14 && written.settings.shorterSide == 40 && written.peakMemory > 0)
            #expect(written.settings.deviation == [0.228, 0.224, 0.225])
            #expect(Set(score.sequences.keys) == ["moving", "still"])
            #expect(score.sequences["moving"]?.frames == ["00001", "00002", "00003"])
            // Boxes of one colour each on a ground of another: even features that nobody trained tell them apart.
            for (number, least) in [("1", 0.7), ("2", 0.7)] {
                let still = try #require(score.sequences["still"]?.objects[number]?["J"])
                #expect(still.mean > least, "object \(number) stands still")
            }

            // Scoring the written masks gives what tracking said.
            let again = try ProgramRun.of(
                "track", "--score", output, "--data", place.path, "--sequence", "moving", "--sequence", "still",
                "--json")
            #expect(again.exitCode == 0, "\(again)")
            let rescored = try JSONDecoder().decode(Document.Score.self, from: Data(again.output.utf8))
            #expect(rescored.global.overall == score.global.overall)

            let refused = try ProgramRun.of(
                ["track", "--weights", weights, "--data", place.path, "--output", output] + Self.options)
            #expect(refused.exitCode == 64 && refused.errors.contains("is not empty"), "\(refused)")
        }
    }

    @Test func tracksAFolderOfFramesWithOneMask() throws {
        try folder { place, weights in
            let clip = TinyClip(frames: 3)
            for frame in 0..<3 { try place.write(clip.picture(frame), to: "holiday/shot \(frame + 9).png") }
            try place.write(clip.mask(0), to: "first.png")
            let run = try ProgramRun.of(
                [
                    "track", "--weights", weights, "--frames", place.file("holiday"), "--mask", place.file("first.png"),
                    "--output", place.file("out"), "--previous", "1", "--window", "0", "--top", "3", "--json",
                ] + Self.options)
            #expect(run.exitCode == 0, "\(run)")
            let document = try JSONDecoder().decode(Document.self, from: Data(run.output.utf8))
            #expect(document.score == nil && document.timing.frames == 3)
            for name in ["shot 9", "shot 10", "shot 11"] {
                #expect(try ImageFile.labels(path: place.file("out/holiday/\(name).png")).bytes.contains(2), "\(name)")
            }
            #expect(
                try ImageFile.labels(path: place.file("out/holiday/shot 9.png"))
                    == ImageFile.labels(path: place.file("first.png")))
        }
    }

    /// Everything that is wrong is named before the first frame is tracked.
    @Test func everyFaultInTheDataIsNamed() throws {
        try folder { place, weights in
            let clip = TinyClip()
            for name in ["good", "nomask", "broken", "sizes", "empty", "maskless"] {
                try clip.write(as: name, to: place)
            }
            let frames = place.file("JPEGImages/480p"), masks = place.file("Annotations/480p")
            try FileManager.default.removeItem(atPath: masks + "/nomask/00000.png")
            try clip.picture(2).dropLast(200).write(to: URL(fileURLWithPath: frames + "/broken/00002.png"))
            try TinyClip(width: 48).picture(3).write(to: URL(fileURLWithPath: frames + "/sizes/00003.png"))
            try TinyClip(height: 32).mask(0).write(to: URL(fileURLWithPath: masks + "/empty/00000.png"))
            try DrawnPNG(colorType: 0, bits: 1, rows: [[0]]).bytes()
                .write(to: URL(fileURLWithPath: masks + "/maskless/00000.png"))
            let list = "good\nnomask\nbroken\nsizes\nempty\nmaskless\n"
            try place.write(list, to: "ImageSets/2017/val.txt")
            let arguments = ["track", "--weights", weights, "--data", place.path, "--output", place.file("out")]
            let run = try ProgramRun.of(arguments + Self.options)
            #expect(run.exitCode == 1, "\(run)")
            for words in [
                "nomask/00000.png is not there", "broken/00002.png ends after", "sizes/00003.png has 40 x 48 pixels",
                "empty/00000.png has 32 x 56 pixels", "maskless/00000.png holds no object", "6 problems",
            ] {
                #expect(run.errors.contains(words), "\(words): \(run)")
            }
            #expect(!FileManager.default.fileExists(atPath: place.file("out")))

            try place.write(list + "gone\n", to: "ImageSets/2017/val.txt")
            let gone = try ProgramRun.of(arguments + Self.options)
            #expect(gone.exitCode == 1 && gone.errors.contains("gone: There is no folder of frames"), "\(gone)")
        }
    }

    @Test(arguments: [
        (["--data", "d", "--output", "o"], "--weights"),
        (["--weights", "w", "--output", "o"], "either with --data or with --frames"),
        (["--weights", "w", "--data", "d", "--frames", "f", "--mask", "m", "--output", "o"], "either with --data"),
        (["--weights", "w", "--frames", "f", "--output", "o"], "--frames and --mask"),
        (["--weights", "w", "--data", "d"], "--output"),
        (["--score", "s"], "--score needs --data"),
        (["--score", "s", "--data", "d", "--weights", "w"], "has no meaning with --score"),
        (["--weights", "w", "--data", "d", "--output", "o", "--top", "0"], "--top is 0"),
        (["--weights", "w", "--data", "d", "--output", "o", "--window=-1"], "--window is -1"),
        (["--weights", "w", "--data", "d", "--output", "o", "--temperature", "0"], "--temperature is 0"),
        (["--weights", "w", "--data", "d", "--output", "o", "--deviation", "0", "1", "1"], "--deviation"),
        (["--weights", "/no/such/weights", "--data", "d", "--output", "o"], "There is no list of sequences"),
        (["--score", "s", "--data", "/no/such/data"], "There is no list of sequences"),
    ])
    func optionsThatDoNotFit(options: [String], words: String) throws {
        let run = try ProgramRun.of(["track"] + options)
        #expect(run.exitCode != 0 && run.errors.contains(words), "\(run)")
        #expect(!FileManager.default.fileExists(atPath: "o"))
    }

    /// Frames of DAVIS's size at patch 8, of which eight are remembered: the matrix of all affinities would have 1.2 GB.
    @Test func memoryStaysWithinTheWindows() throws {
        try withTemporaryFolder { place in
            let settings = [
                "schedule.length=1 steps", "model.patchSize=8", "model.depth=1", "model.heads=1",
                "views.globalSize=[16, 16]", "views.localSize=[8, 8]", "objective.patchWeight=0",
            ]
            let trained = try TinyRun(in: place, images: 4).run("run", settings)
            #expect(trained.exitCode == 0, "\(trained)")
            let clip = TinyClip(height: 480, width: 854, frames: 9)
            try clip.write(as: "clip", to: place, annotated: 0..<1)
            try place.write("clip\n", to: "ImageSets/2017/val.txt")
            let run = try ProgramRun.of([
                "track", "--weights", place.file("run"), "--data", place.path, "--output", place.file("out"), "--json",
                "--threads", "2",
            ])
            #expect(run.exitCode == 0, "\(run)")
            let document = try JSONDecoder().decode(Document.self, from: Data(run.output.utf8))
            #expect(document.peakMemory < 600 << 20, "\(document.peakMemory >> 20) MB")
        }
    }
}
