import Foundation
import SelfPatchData
import SelfPatchEvaluation
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct LabelledFolderTests {
    private func withMap(_ labels: [UInt8], _ body: (FolderPairs) throws -> Void) throws {
        try withTemporaryFolder { place in
            let map = Pixels(height: 2, width: labels.count / 2, channels: 1, bytes: labels)
            for folder in ["images", "labels"] { try place.write(try PNGFile.encoded(map), to: "\(folder)/one.png") }
            try body(FolderPairs(images: place.file("images"), labels: place.file("labels")))
        }
    }

    @Test func labelsAreCountedFromTheFirstClass() throws {
        try withMap([0, 1, 2, 150, 1, 0]) { pairs in
            let count = try LabelledImages.classCount(of: [pairs], firstClass: 1, ignored: 0)
            #expect(count == 150)
            let images = LabelledImages(LabelledFolder(pairs, numbering: .ade20k, classCount: 150), channels: 3)
            #expect(try images.labels(0).bytes == [255, 0, 1, 149, 0, 255])
            #expect(try images.image(0).channels == 3)
        }
    }

    @Test func ignoredLabelIsNoClass() throws {
        try withMap([0, 10, 255, 3]) { pairs in
            let count = try LabelledImages.classCount(of: [pairs], firstClass: 0, ignored: 255)
            #expect(count == 11)
            let images = LabelledImages(LabelledFolder(pairs, numbering: .init(), classCount: 11), channels: 1)
            #expect(try images.labels(0).bytes == [0, 10, 255, 3])
        }
    }

    @Test func unknownLabelsAreNamed() throws {
        try withMap([0, 1, 11, 255]) { pairs in
            let images = LabelledImages(LabelledFolder(pairs, numbering: .init(), classCount: 11), channels: 1)
            let error = #expect(throws: UserError.self) { try images.labels(0) }
            #expect(error?.message.contains("one.png holds 11") == true)
        }
        try withMap([255, 255, 255, 255]) { pairs in
            #expect(throws: UserError.self) {
                try LabelledImages.classCount(of: [pairs], firstClass: 0, ignored: 255)
            }
        }
    }
}
