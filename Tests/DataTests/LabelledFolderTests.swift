import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct LabelledFolderTests {
    private static func write(
        _ name: String, labels: [UInt8], mapHeight: Int = 4, in folder: TemporaryFolder, broken: Bool = false
    ) throws {
        let image = Pixels(height: 4, width: 6, channels: 3, bytes: [UInt8](repeating: 90, count: 72))
        try folder.write(broken ? Data("no image".utf8) : PNGFile.encoded(image), to: "images/\(name).png")
        let map = Pixels(height: mapHeight, width: 6, channels: 1, bytes: labels)
        try folder.write(PNGFile.encoded(map), to: "labels/\(name).png")
    }

    private static func labels(_ some: UInt8..., height: Int = 4) -> [UInt8] {
        (0..<6 * height).map { some[$0 % some.count] }
    }

    private static func folder(
        _ folder: TemporaryFolder, _ numbering: LabelNumbering = LabelNumbering(), classes: Int = 3
    ) throws -> LabelledFolder {
        LabelledFolder(
            try FolderPairs(images: folder.file("images"), labels: folder.file("labels")), numbering: numbering,
            classCount: classes)
    }

    @Test func labelsBecomeClasses() throws {
        try withTemporaryFolder { place in
            try Self.write("a", labels: Self.labels(0, 1, 3), in: place)
            let ade = try Self.folder(place, .ade20k)
            #expect(try ade.labels(0).bytes == Self.labels(255, 0, 2))
            var problems = DataProblems()
            let contents = ade.check(&problems)
            #expect(problems.sentences.isEmpty && contents.pixels == [8, 0, 8] && contents.unlabelled == 8)
            let other = try Self.folder(place, LabelNumbering(firstClass: 0, ignored: 3), classes: 2)
            #expect(try other.labels(0).bytes == Self.labels(0, 1, 255))
        }
    }

    @Test func everythingWrongIsNamedFileByFile() throws {
        try withTemporaryFolder { place in
            try Self.write("a", labels: Self.labels(0, 1), in: place)
            try Self.write("b", labels: Self.labels(0, 7, 9), in: place)
            try Self.write("c", labels: Self.labels(0, height: 5), mapHeight: 5, in: place)
            try Self.write("d", labels: Self.labels(0), in: place, broken: true)
            try Self.write("e", labels: Self.labels(255), in: place)
            try place.write("no map", to: "labels/e.png")
            let folder = try Self.folder(place)
            var problems = DataProblems()
            var done = 0
            _ = folder.check(&problems) { done = $0 }
            #expect(done == 5)
            #expect(problems.sentences.count == 4, "\(problems.sentences)")
            #expect(problems.sentences[0].contains("b.png holds 7, 9; there are 3 classes from 0, and 255 is no class"))
            #expect(problems.sentences[1].contains("c.png has 4 x 6 pixels, its label map 5 x 6"))
            #expect(problems.sentences[2].hasPrefix("d.png "))
            #expect(problems.sentences[3].hasPrefix("the label map of e.png "))
            let error = #expect(throws: UserError.self) { try problems.throwIfAny(title: "No use") }
            #expect(error?.message.contains("4 problems") == true)
            // Without a check the same shows when it is read.
            #expect(throws: UserError.self) { try folder.sample(1, channels: 3) }
            #expect(throws: UserError.self) { try folder.sample(2, channels: 3) }
        }
    }

    @Test func listsNameClasses() throws {
        try withTemporaryFolder { place in
            let plain = try place.write("# street\nsky\nlamp post\n\nroad\n", to: "a.txt")
            #expect(try ClassList(file: plain).names == ["sky", "lamp post", "road"])
            let colored = try place.write("0 sky 1 2 3\n1 lamp post 4 5 6\n2 route 66\n", to: "b.txt")
            let list = try ClassList(file: colored)
            #expect(list.names == ["sky", "lamp post", "route 66"])
            #expect(list.colors[0] == [1, 2, 3] && list.colors[1] == [4, 5, 6])
            #expect(Set(ClassList(count: 150).colors).count == 150)
            #expect(!ClassList(count: 150).colors.contains([0, 0, 0]), "black is no class")
            let shifted = try place.write("1 sky\n2 road\n", to: "c.txt")
            let error = #expect(throws: UserError.self) { try ClassList(file: shifted) }
            #expect(error?.message.contains("line 1") == true)
            #expect(throws: UserError.self) { try ClassList(file: place.file("none.txt")) }
            #expect(throws: UserError.self) { try ClassList(file: place.write("\n", to: "d.txt")) }
        }
    }
}
