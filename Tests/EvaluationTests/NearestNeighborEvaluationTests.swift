import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchTensors
import TestSupport
import Testing

@Suite struct NearestNeighborEvaluationTests {
    private func write(_ scenes: Range<Int>, of kinds: Set<ThingKind>, to folder: String) throws {
        let generator = SceneGenerator(seed: 9)
        for index in scenes {
            let scene = generator.scene(index)
            guard kinds.contains(scene.kind) else { continue }
            let place = "\(folder)/\(scene.kind.name)"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            try PNGFile.encoded(scene.pixels).write(to: URL(fileURLWithPath: "\(place)/\(index).png"))
        }
    }

    /// Classes are matched by name, not by place: validation holds the second and third alone.
    @Test func classesAreMatchedByName() throws {
        try withTemporaryFolder { place in
            let kinds: Set<ThingKind> = [.stripedDisc, .checkedSquare, .wavyRing]
            try write(0..<40, of: kinds, to: place.file("train"))
            try write(0..<40, of: [.checkedSquare, .wavyRing], to: place.file("val"))
            var evaluation = try NearestNeighborEvaluation(
                training: ClassFolder(root: place.file("train")), validation: ClassFolder(root: place.file("val")))
            evaluation.neighborCounts = [1, 50]
            var done = 0
            let report = try evaluation.report(on: FeatureExtractorTests.extractor()) { done = $0 }
            #expect(report.trainingCount == 12 && report.validationCount == 8 && report.classCount == 3)
            #expect(done == 20)
            #expect(report.results.map(\.feature) == [.summary, .meanPatch])
            for result in report.results {
                // The same images are in both folders, so each finds itself.
                #expect(result.scores[0].top1 == 100)
                #expect(result.scores[1].usedCount == 12)
            }
        }
    }

    @Test func unknownClassesAreNamed() throws {
        try withTemporaryFolder { place in
            try write(0..<20, of: [.stripedDisc], to: place.file("train"))
            try write(0..<20, of: [.stripedDisc, .rayedBlob], to: place.file("val"))
            let error = #expect(throws: UserError.self) {
                try NearestNeighborEvaluation(
                    training: ClassFolder(root: place.file("train")), validation: ClassFolder(root: place.file("val")))
            }
            #expect(error?.message.contains("'rayed-blob'") == true)
            #expect(error?.kind == .usage)
        }
    }

    @Test func anImageWithoutAClassIsRefused() throws {
        try withTemporaryFolder { place in
            try write(0..<10, of: [.stripedDisc], to: place.file("train"))
            try PNGFile.write(SceneGenerator(seed: 1).scene(0).pixels, to: place.file("train/stray.png"))
            let error = #expect(throws: UserError.self) { try ClassFolder(root: place.file("train")) }
            #expect(error?.message.contains("stray.png") == true)
        }
    }

    @Test func brokenImagesAreLeftOutAndNamed() throws {
        try withTemporaryFolder { place in
            try write(0..<30, of: [.stripedDisc, .wavyRing], to: place.file("train"))
            try place.write("no picture", to: "train/wavy-ring/000.png")
            let folder = try ClassFolder(root: place.file("train"))
            let report = try NearestNeighborEvaluation(training: folder, validation: folder)
                .report(on: FeatureExtractorTests.extractor(), features: [.summary])
            #expect(report.trainingCount == 6 && report.validationCount == 6)
            #expect(report.skipped.count == 2)
            #expect(report.skipped.allSatisfy { $0.contains("000.png") })
        }
    }
}

@Suite struct SceneExamTests {
    /// The exam's numbers are those of its parts, computed once more.
    @Test func scoresAreThoseOfTheParts() throws {
        try withTemporaryFolder { place in
            let generator = SceneGenerator(seed: 12)
            let folder = SceneFolder(root: place.path, generator: generator)
            let (train, val) = (SceneFolder.Part("train", 0..<60), SceneFolder.Part("val", 500..<530))
            try folder.write(train, withMasks: false)
            try folder.write(val, withMasks: false)
            let images = try NearestNeighborEvaluation(
                training: ClassFolder(root: folder.images(of: train)),
                validation: ClassFolder(root: folder.images(of: val)))
            let exam = SceneExam(
                images: images, neighborCount: 5, patchTraining: .scenes(generator, 0..<20),
                patchValidation: .scenes(generator, 500..<510), side: 96)
            let extractor = FeatureExtractorTests.extractor()
            var done = 0
            let scores = try exam.scores(of: extractor) { done = $0 }
            #expect(done == exam.imageCount && done == 120)

            let bank = try extractor.features(count: 60) { generator.scene($0).pixels }
            let queries = try extractor.features(count: 30) { generator.scene(500 + $0).pixels }
            for (feature, score) in [
                (FeatureExtractor.Feature.summary, scores.summary), (.meanPatch, scores.meanPatch),
            ] {
                let direct = NearestNeighbors(bank: bank[feature], labels: (0..<60).map { $0 % 10 }, classCount: 10)
                    .scores(of: queries[feature], truth: (0..<30).map { $0 % 10 }, neighborCounts: [5])
                // Folders list by class, so batches and with them the last digits differ: one image may change sides.
                #expect(abs(direct[0].top1 - score) < 3.4, "\(feature)")
            }
            let patches = try PatchEvaluation(extractor: extractor, frame: .whole(shorterSide: 96))
                .score(training: exam.patchTraining, validation: exam.patchValidation)
            #expect(scores.patchIntersectionOverUnion == 100 * (patches.meanIntersectionOverUnion ?? -1))
            #expect(scores.patchAccuracy == 100 * (patches.accuracy ?? -1))
        }
    }

    @Test(arguments: 0..<20) func chosenPatchLiesOnAThing(index: Int) {
        let scene = SceneGenerator(seed: 3).scene(index)
        let view = CenterView(ViewSize(square: 96))
        let patch = scene.typicalPatch(in: view, grid: Grid(rows: 12, columns: 12))
        let mask = view.labels(of: scene.maskPixels)
        var covered = 0
        for row in 0..<8 {
            for column in 0..<8 { covered += mask[(patch / 12 * 8 + row) * 96 + patch % 12 * 8 + column] == 0 ? 0 : 1 }
        }
        #expect(covered > 20, "\(covered) of 64 pixels")
    }
}
