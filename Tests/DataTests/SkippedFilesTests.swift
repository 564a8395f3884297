import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct SkippedFilesTests {
    private let damage = ImageProblem(.truncated, "ends after 20 bytes, before the picture is complete")

    @Test func eachFileIsNamedOnceAlsoOverAResume() throws {
        try withTemporaryFolder { folder in
            let path = folder.file("skipped-files.txt")
            let first = try SkippedFiles(path: path, total: 1000, allowedShare: 0.5)
            try first.record("a/1.jpg", damage)
            try first.record("two\nlines\t.jpg", damage)
            try first.record("a/1.jpg", damage)
            let second = try SkippedFiles(path: path, total: 1000, allowedShare: 0.5)
            #expect(second.count == 2)
            try second.record("a/1.jpg", damage)
            try second.record("two\nlines\t.jpg", damage)
            try second.record("b.jpg", ImageProblem(.empty, "is empty (0 bytes)"))
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            #expect(
                lines == [
                    "a/1.jpg\ttruncated\tends after 20 bytes, before the picture is complete",
                    "two\\nlines\\t.jpg\ttruncated\tends after 20 bytes, before the picture is complete",
                    "b.jpg\tempty\tis empty (0 bytes)",
                ])
            #expect(second.count == 3)
        }
    }

    @Test func tooManyEndTheRunWithNumbers() throws {
        let skipped = try SkippedFiles(path: nil, total: 100, allowedShare: 0.02)
        try skipped.record("1.jpg", damage)
        try skipped.record("2.jpg", damage)
        try skipped.record("2.jpg", damage)
        let error = #expect(throws: UserError.self) { try skipped.record("3.jpg", damage) }
        #expect(error?.message.contains("3 of 100 images") == true)
        #expect(error?.message.contains("3.jpg") == true)
        #expect(error?.message.contains("0.02") == true)
        // Two loaders may meet the same broken images: the second is told too, though all are on the list.
        #expect(throws: UserError.self) { try skipped.record("1.jpg", damage) }
        #expect(skipped.count == 3)
    }

    @Test func foldersThatCannotBeEnteredAreListedButCountForNothing() throws {
        try withTemporaryFolder { folder in
            let path = folder.file("skipped-files.txt")
            let problems = [
                ImageFolder.Problem(
                    name: "locked", problem: ImageProblem(.noPermission, "is a folder that cannot be listed"))
            ]
            for _ in 0..<2 {
                let skipped = try SkippedFiles(path: path, total: 10, allowedShare: 0)
                try skipped.record(problems)
                #expect(skipped.count == 0)
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 1)
        }
    }

    @Test func aListThatCannotBeWrittenIsAnError() throws {
        let skipped = try SkippedFiles(path: "/nowhere/at/all/skipped-files.txt", total: 10, allowedShare: 1)
        #expect(throws: UserError.self) { try skipped.record("1.jpg", damage) }
    }

    @Test func aSourceReadsAndRefusesByTheFoldersNames() throws {
        try withTemporaryFolder { folder in
            let pixels = Pixels(height: 2, width: 3, channels: 1, bytes: [1, 2, 3, 4, 5, 6])
            try PNGFile.write(pixels, to: folder.file("a.png"))
            try folder.write("not a picture", to: "b.png")
            let images = try ImageFolder(root: folder.path)
            let skipped = try SkippedFiles(path: nil, total: images.count, allowedShare: 0.5)
            let source = try ImageSource(images, channels: 1, skipped: skipped)
            #expect(source.count == 2)
            #expect(try source.read(0) == pixels)
            #expect(source.name(1) == "b.png")
            let error = #expect(throws: ImageProblem.self) { try source.read(1) }
            #expect(error?.reason == .notAnImage)
            try source.skip(1, #require(error))
            #expect(skipped.count == 1)
        }
    }

    @Test func printableNamesStayApartAndOnOneLine() {
        let names = ["a\\nb", "a\nb", "a\\\nb", "a\u{1B}[31mb", "naïve 写真 📷.jpg", "a\u{202E}gpj.exe", "\r", "\u{7F}"]
        let printed = names.map(PrintableName.of)
        #expect(Set(printed).count == names.count)
        #expect(printed.allSatisfy { $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } })
        #expect(PrintableName.of("naïve 写真 📷.jpg") == "naïve 写真 📷.jpg")
    }
}
