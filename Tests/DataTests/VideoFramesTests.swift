import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct VideoFramesTests {
    @Test func framesComeInTheOrderOfTheirNumbers() throws {
        try withTemporaryFolder { place in
            for name in ["f10.png", "f9.png", "f1.JPG", "f02.png", ".hidden.png", "notes.txt", "f2b.webp"] {
                try place.write("", to: name)
            }
            let video = try VideoFrames(folder: place.path, name: "clip")
            #expect(video.files == ["f1.JPG", "f02.png", "f2b.webp", "f9.png", "f10.png"])
            #expect(video.stem(4) == "f10" && video.name == "clip")
        }
    }

    @Test func foldersThatAreNoVideo() throws {
        try withTemporaryFolder { place in
            try place.write("", to: "empty/notes.txt")
            try place.write("", to: "twice/a.png")
            try place.write("", to: "twice/a.jpg")
            for (folder, words) in [
                ("missing", "no folder of frames"), ("empty", "holds no image"), ("twice", "would share a result"),
                ("twice/a.png", "no folder of frames"),
            ] {
                let error = #expect(throws: UserError.self) { try VideoFrames(folder: place.file(folder)) }
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test func listsOfSequences() throws {
        try withTemporaryFolder { place in
            try place.write("bear\r\n\n swan \nbear\n", to: "ImageSets/2017/val.txt")
            try place.write("\n", to: "ImageSets/2017/none.txt")
            try place.write("../elsewhere\n", to: "ImageSets/2017/hostile.txt")
            #expect(try DAVISFolder(root: place.path).sequences == ["bear", "swan"])
            #expect(try DAVISFolder(root: place.path, only: ["swan"]).sequences == ["swan"])
            for (set, only, words) in [
                ("vall", [], "hostile, none, val"), ("none", [], "names no sequence"),
                ("val", ["swam"], "Did you mean swan?"), ("hostile", [], "which is no sequence"),
            ] {
                let error = #expect(throws: UserError.self) {
                    try DAVISFolder(root: place.path, set: set, only: only)
                }
                #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
        }
    }
}
