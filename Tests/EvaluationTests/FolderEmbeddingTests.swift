import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import TestSupport
import Testing

@Suite struct FolderEmbeddingTests {
    static func network(seed: UInt64 = 3) -> Network {
        let architecture = Architecture(
            width: 12, depth: 1, heads: 2, hiddenWidth: 20, patchSize: 4, positionGrid: Grid(rows: 4, columns: 4))
        return Network(architecture, heads: nil, seed: seed, device: .cpu)
    }

    static func embedding(
        _ kind: EmbeddingDescription.Kind = .summary, batch: Int = 3, seed: UInt64 = 3
    ) -> FolderEmbedding {
        var embedding = FolderEmbedding(
            FeatureExtractor(
                network: network(seed: seed), view: ViewSize(height: 8, width: 12), normalization: .imageNet,
                batchSize: batch))
        embedding.kind = kind
        embedding.saveEvery = .zero
        return embedding
    }

    /// Eleven images, of which numbers 3, 4, 5 (a whole batch of three) and 10 are broken.
    static func draw(in folder: TemporaryFolder) throws -> ImageFolder {
        for index in 0..<11 {
            let name = "images/\(String(format: "%02d", index)).png"
            if [3, 4, 5, 10].contains(index) {
                try folder.write("no picture", to: name)
            } else {
                let rows = (0..<20).map { y in (0..<24 * 3).map { (($0 + 72 * y) * (index + 3) / 7) % 256 } }
                try folder.write(DrawnPNG(colorType: 2, bits: 8, rows: rows).bytes(), to: name)
            }
        }
        return try ImageFolder(root: folder.file("images"))
    }

    static let readable = [0, 1, 2, 6, 7, 8, 9]

    static func lines(_ path: String) throws -> [String] {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n").map(
            String.init)
    }

    static func floats(_ path: String) throws -> (shape: [Int], values: [Float]) {
        let data = try Data(contentsOf: URL(filePath: path))
        return try data.withUnsafeBytes { bytes in
            let header = try NPYHeader(bytes, path: path)
            let tensor = Tensor(
                UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...]), type: header.elementType.inMemory,
                shape: header.shape)
            return (header.shape, tensor.floats())
        }
    }

    @Test(arguments: EmbeddingDescription.Kind.allCases)
    func rowsAreTheExtractorsFeatures(kind: EmbeddingDescription.Kind) throws {
        try withTemporaryFolder { folder in
            let images = try Self.draw(in: folder)
            let output = folder.file("a.npy")
            let embedding = Self.embedding(kind)
            let outcome = try embedding.write(images, to: output, weights: "w")
            #expect(outcome.images == 11 && outcome.skipped == 4 && outcome.isFinished)
            let names = Self.readable.map { String(format: "%02d.png", $0) }
            #expect(try Self.lines(folder.file("a.names.txt")) == names)
            let skipped = try Self.lines(folder.file("a.skipped.txt"))
            #expect(skipped.map { $0.split(separator: "\t")[0] } == ["3", "4", "5", "10"])
            #expect(skipped[0].contains("03.png"))
            let found = try Self.floats(output)
            #expect(found.shape == [7] + (kind == .dense ? [2, 3, 12] : [12]))
            #expect(!FileManager.default.fileExists(atPath: output + ".unfinished"))

            for (row, index) in Self.readable.enumerated() {
                let image = try ImageFile.decode(path: images.path(of: index), channels: 3)
                let planes = embedding.extractor.view.planes(of: image, scratch: ViewScratch())
                let features = embedding.extractor.output(ofPlanes: [planes])
                let one =
                    switch kind {
                    case .summary: features.imageSummary.floats()
                    case .meanPatch: features.meanPatch.floats()
                    case .dense: features.patches.floats()
                    }
                let written = found.values[row * one.count..<(row + 1) * one.count]
                #expect(zip(one, written).allSatisfy { abs($0 - $1) < 1e-5 }, "row \(row)")
            }
        }
    }

    /// Stopped after any batch, also in the middle of writing one, the files become those of a call never stopped.
    @Test(arguments: 1...3, [false, true]) func stoppedCallsAreGoneOnWith(batches: Int, isTorn: Bool) throws {
        try withTemporaryFolder { folder in
            let images = try Self.draw(in: folder)
            _ = try Self.embedding().write(images, to: folder.file("whole.npy"), weights: "w")
            let output = folder.file("a.npy")
            var count = 0
            let stopped = try Self.embedding().write(
                images, to: output, weights: "w",
                isStopped: {
                    count += 1
                    return count == batches
                })
            #expect(stopped.images == 3 * batches && !stopped.isFinished)
            #expect(!FileManager.default.fileExists(atPath: output))
            if isTorn {
                // What a kill leaves: names and skipped files of rows that do not count, rows behind those that do.
                for (name, text) in [
                    ("a.names.txt", "07.png\n08."), ("a.skipped.txt", "9\tof the next ba"), ("a.npy.unfinished", "xyz"),
                ] {
                    let handle = try #require(FileHandle(forWritingAtPath: folder.file(name)))
                    try handle.seekToEnd()
                    try handle.write(contentsOf: Data(text.utf8))
                    try handle.close()
                }
            }
            let outcome = try Self.embedding().write(images, to: output, weights: "w")
            #expect(outcome.images == 11 && outcome.skipped == 4 && outcome.isFinished)
            for ending in ["npy", "names.txt", "skipped.txt", "json"] {
                #expect(
                    try Data(contentsOf: URL(filePath: folder.file("a." + ending)))
                        == Data(contentsOf: URL(filePath: folder.file("whole." + ending))), "\(ending)")
            }
        }
    }

    @Test func safetensorsHoldTheSame() throws {
        try withTemporaryFolder { folder in
            let images = try Self.draw(in: folder)
            _ = try Self.embedding().write(images, to: folder.file("a.npy"), weights: "w")
            _ = try Self.embedding().write(images, to: folder.file("b.safetensors"), weights: "w")
            let file = try SafetensorsFile(path: folder.file("b.safetensors"))
            try file.verifyChecksum()
            let features = try #require(file.tensors()["features"])
            let plain = try Self.floats(folder.file("a.npy"))
            #expect(features.shape == plain.shape && features.floats() == plain.values)
            #expect(!FileManager.default.fileExists(atPath: folder.file("b.safetensors.unfinished")))
            var half = Self.embedding()
            half.isHalf = true
            _ = try half.write(images, to: folder.file("c.npy"), weights: "w")
            let rounded = try Self.floats(folder.file("c.npy"))
            #expect(zip(rounded.values, plain.values).allSatisfy { abs($0 - $1) < 2e-3 * max(1, abs($1)) })
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        try withTemporaryFolder { folder in
            let images = try Self.draw(in: folder)
            func refusal(_ embedding: FolderEmbedding, _ output: String, _ images: ImageFolder) throws -> String {
                let error = #expect(throws: UserError.self) {
                    try embedding.write(images, to: folder.file(output), weights: "w")
                }
                return error?.message ?? ""
            }
            #expect(try refusal(Self.embedding(), "a.csv", images).contains(".safetensors"))
            _ = try Self.embedding().write(images, to: folder.file("a.npy"), weights: "w", isStopped: { true })
            #expect(try refusal(Self.embedding(.meanPatch), "a.npy", images).contains("the features"))
            #expect(try refusal(Self.embedding(batch: 4), "a.npy", images).contains("the batch (3 there, 4 now)"))
            #expect(try refusal(Self.embedding(seed: 4), "a.npy", images).contains("checksum"))
            // Another file of the same number of images.
            try FileManager.default.moveItem(
                atPath: folder.file("images/01.png"), toPath: folder.file("images/zz.png"))
            let renamed = try ImageFolder(root: folder.file("images"))
            #expect(try refusal(Self.embedding(), "a.npy", renamed).contains("do not fit the files"))
            _ = try Self.embedding().write(renamed, to: folder.file("b.npy"), weights: "w")
            #expect(try refusal(Self.embedding(), "b.npy", renamed).contains("there already"))

            try folder.write("nothing", to: "bad/a.png")
            let bad = try ImageFolder(root: folder.file("bad"))
            #expect(try refusal(Self.embedding(), "c.npy", bad).contains("None of 1 images"))
        }
    }
}
