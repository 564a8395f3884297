import Foundation
import TestSupport
import Testing

/// A run on a folder where some images are broken.
@Suite struct BrokenImagesTests {
    /// Settings of a run that takes a second.
    private static let settings = [
        "schedule.length=12 steps", "schedule.batchSize=6", "optimizer.warmup=2 steps", "model.width=16",
        "model.depth=1", "model.heads=2", "model.patchSize=4", "views.globalSize=[16, 16]", "views.localSize=[8, 8]",
        "views.localCount=1", "heads.imagePrototypes=16", "heads.patchPrototypes=16", "heads.hiddenWidth=16",
        "heads.bottleneck=8", "teacher.centerWarmupSteps=1", "threads=1", "device=cpu",
    ]

    private func pretrain(_ folder: TemporaryFolder, _ output: String, _ more: String...) throws -> ProgramRun {
        try ProgramRun.of(
            ["pretrain", "--preset", "nano-photos", "--data", folder.file("images"), "--output", folder.file(output)]
                + (Self.settings + more).flatMap { ["--set", $0] })
    }

    /// Twelve pictures, of which four are broken in different ways.
    private func drawImages(in folder: TemporaryFolder) throws {
        for index in 0..<12 {
            let picture = bitmap(side: 16, seed: index)
            let broken = [2: picture.prefix(200), 5: Data(), 7: Data("<html>".utf8), 11: picture.prefix(20)][index]
            try folder.write(broken ?? picture, to: "images/part \(index % 3)/\(index).bmp")
        }
    }

    /// A BMP of 24 bits a pixel whose rows need no filling.
    private func bitmap(side: Int, seed: Int) -> Data {
        var data = Data("BM".utf8)
        for value in [54 + 3 * side * side, 0, 54, 40, side, side, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
            for byte in 0..<4 { data.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        for place in 0..<(3 * side * side) { data.append(UInt8(truncatingIfNeeded: place * (seed + 3) / 7)) }
        return data
    }

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// The losses of all steps, as they stand in the file.
    private func losses(_ path: String) throws -> [Double] {
        struct Line: Decodable {
            let loss: Double
        }
        return try lines(path).map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)).loss }
    }

    @Test func eachIsNamedOnceAndReplacedTheSameWayByAnyNumberOfWorkers() throws {
        try withTemporaryFolder { folder in
            try drawImages(in: folder)
            for (output, workers) in [("one", 1), ("four", 4)] {
                let run = try pretrain(folder, output, "data.allowBroken=0.5", "data.workers=\(workers)")
                #expect(run.exitCode == 0, "\(run)")
            }
            let skipped = try lines(folder.file("one/skipped-files.txt")).sorted()
            #expect(
                skipped == [
                    "part 1/7.bmp\tnot_an_image\tis not an image but a web page",
                    "part 2/11.bmp\ttruncated\tends after 20 bytes, before the picture is complete",
                    "part 2/2.bmp\ttruncated\tends after 200 bytes, before the picture is complete",
                    "part 2/5.bmp\tempty\tis empty (0 bytes)",
                ])
            #expect(try lines(folder.file("four/skipped-files.txt")).sorted() == skipped)
            let first = try losses(folder.file("one/metrics.jsonl"))
            #expect(first.count == 12)
            #expect(try losses(folder.file("four/metrics.jsonl")) == first)
        }
    }

    @Test func tooManyEndTheRunAndSayWhere() throws {
        try withTemporaryFolder { folder in
            try drawImages(in: folder)
            let run = try pretrain(folder, "run", "data.allowBroken=0.2")
            #expect(run.exitCode == 1, "\(run)")
            // Workers read ahead, so the fourth broken file may be known by the time the third ends the run.
            #expect(run.errors.contains(/Cannot read [34] of 12 images/), "\(run)")
            for words in ["0.2", "run/skipped-files.txt", "selfpatch check-data"] {
                #expect(run.errors.contains(words), "\(run)")
            }
            #expect(try lines(folder.file("run/skipped-files.txt")).count >= 3)
        }
    }
}
