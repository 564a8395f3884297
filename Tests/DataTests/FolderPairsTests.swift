import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct FolderPairsTests {
    private func map(_ bytes: [UInt8], channels: Int = 1) throws -> Data {
        try PNGFile.encoded(Pixels(height: 2, width: bytes.count / 2 / channels, channels: channels, bytes: bytes))
    }

    @Test func pairsShareTheirNames() throws {
        try withTemporaryFolder { place in
            for (index, name) in ["b", "a/x", "c.d"].enumerated() {
                try place.write(
                    try map([UInt8](repeating: UInt8(index), count: 12), channels: 3), to: "images/\(name).png")
                try place.write(try map([UInt8(index), 3, 255, 0]), to: "labels/\(name).png")
            }
            try place.write(try map([9, 9, 9, 9]), to: "labels/unused.png")
            let pairs = try FolderPairs(images: place.file("images"), labels: place.file("labels"))
            #expect(pairs.count == 3)
            for index in 0..<3 {
                let kind = try pairs.image(index, channels: 3).bytes[0]
                #expect(try pairs.labels(index).bytes == [kind, 3, 255, 0])
            }
        }
    }

    @Test func imagesWithoutLabelsAreNamed() throws {
        try withTemporaryFolder { place in
            for name in ["one", "two"] { try place.write(try map([1, 2, 3, 4]), to: "images/\(name).png") }
            try place.write(try map([1, 2, 3, 4]), to: "labels/one.png")
            let error = #expect(throws: UserError.self) {
                try FolderPairs(images: place.file("images"), labels: place.file("labels"))
            }
            #expect(error?.message.contains("1 of 2 images") == true)
            #expect(error?.message.contains("two.png") == true)
        }
    }

    @Test func palettesAreNumbers() throws {
        try withTemporaryFolder { place in
            let labels = Pixels(height: 2, width: 2, channels: 1, bytes: [0, 5, 255, 1])
            try place.write(try map([1, 2, 3, 4]), to: "images/one.png")
            try place.write(try PNGFile.encoded(labels: labels, palette: .pascal), to: "labels/one.png")
            let pairs = try FolderPairs(images: place.file("images"), labels: place.file("labels"))
            #expect(try pairs.labels(0) == labels)
        }
    }

    @Test func colouredLabelMapsAreRefused() throws {
        try withTemporaryFolder { place in
            try place.write(try map([1, 2, 3, 4]), to: "images/one.png")
            try place.write(try map([UInt8](repeating: 7, count: 12), channels: 3), to: "labels/one.png")
            let pairs = try FolderPairs(images: place.file("images"), labels: place.file("labels"))
            let error = #expect(throws: UserError.self) { try pairs.labels(0) }
            #expect(error?.message.contains("has 3 channels") == true)
        }
    }
}
