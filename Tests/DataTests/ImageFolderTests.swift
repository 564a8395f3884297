import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

@Suite struct ImageFolderTests {
    private func names(_ folder: ImageFolder) -> [String] { (0..<folder.count).map(folder.name) }

    private func link(_ folder: TemporaryFolder, _ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
    }

    @Test func orderDependsOnTheBytesOfTheNamesAlone() throws {
        try withTemporaryFolder { folder in
            for name in [
                "b/2.jpg", "b.jpg", "B.PNG", "a/z.webp", "a/y/x.gif", "a/10.tif", "a/9.bmp", "é.jpeg", "c/n.txt",
            ] {
                try folder.write("x", to: name)
            }
            let found = try ImageFolder(root: folder.path)
            #expect(
                names(found) == [
                    "B.PNG", "b.jpg", "é.jpeg", "a/10.tif", "a/9.bmp", "a/z.webp", "a/y/x.gif", "b/2.jpg",
                ])
            #expect(found.topFolders == ["a", "b"])
            #expect(found.emptyTopFolders == ["c"])
            #expect((0..<found.count).map { found.topFolder(of: $0) } == [nil, nil, nil, 0, 0, 0, 0, 1])
            #expect(found.path(of: 3) == folder.path + "/a/10.tif")
            #expect(found.passedOver == 1)
            #expect(found.problems.isEmpty)
        }
    }

    @Test func hiddenFilesAndFoldersArePassedOver() throws {
        try withTemporaryFolder { folder in
            for name in ["a.jpg", ".a.jpg", "._a.jpg", ".thumbs/b.jpg", "c/.d/e.jpg", "c/f.jpg", ".jpg"] {
                try folder.write("x", to: name)
            }
            #expect(try names(ImageFolder(root: folder.path)) == ["a.jpg", "c/f.jpg"])
        }
    }

    @Test func linksAreFollowedAndCirclesNamed() throws {
        try withTemporaryFolder { folder in
            try folder.write("x", to: "data/photos/1.jpg")
            try folder.write("x", to: "elsewhere/2.jpg")
            try link(folder, "data/linked", to: "../elsewhere")
            try link(folder, "data/up", to: "..")
            try link(folder, "data/photos/self", to: "self")
            try link(folder, "data/nowhere", to: "missing")
            try link(folder, "data/broken.jpg", to: "missing.jpg")
            try link(folder, "data/file.jpg", to: "../elsewhere/2.jpg")
            let found = try ImageFolder(root: folder.path + "/data")
            // "up" is a folder above the root: it is walked once, and does not enter the root again.
            #expect(
                names(found) == [
                    "broken.jpg", "file.jpg", "linked/2.jpg", "photos/1.jpg",
                ])
            #expect(found.problems.contains { $0.name == "nowhere" && $0.problem.reason == .danglingLink })
            #expect(found.problems.contains { $0.name == "photos/self" && $0.problem.reason == .linkLoop })
            #expect(found.problems.contains { $0.name == "up/data" && $0.problem.reason == .linkLoop })
        }
    }

    @Test func foldersLinkedToEachOtherDoNotMultiply() throws {
        try withTemporaryFolder { folder in
            let count = 12
            for from in 0..<count {
                try folder.write("x", to: "\(from)/image.jpg")
                for to in 0..<count { try link(folder, "\(from)/to\(to)", to: "../\(to)") }
            }
            let clock = ContinuousClock.now
            let found = try ImageFolder(root: folder.path)
            #expect(ContinuousClock.now - clock < .seconds(10))
            #expect(found.count <= 2 * count)
            #expect(Set(names(found)).isSuperset(of: (0..<count).map { "\($0)/image.jpg" }))
        }
    }

    @Test func rootMayBeALinkAndMayEndWithASlash() throws {
        try withTemporaryFolder { folder in
            try folder.write("x", to: "data/1.jpg")
            try link(folder, "link", to: "data")
            let found = try ImageFolder(root: folder.path + "/link/")
            #expect(found.count == 1)
            #expect(FileManager.default.fileExists(atPath: found.path(of: 0)))
        }
    }

    @Test func missingAndEmptyFoldersAreExplained() throws {
        try withTemporaryFolder { folder in
            func message(_ path: String) -> String {
                do {
                    _ = try ImageFolder(root: path)
                    return ""
                } catch {
                    return (error as? UserError)?.message ?? "\(error)"
                }
            }
            #expect(message(folder.file("missing")).contains("There is no folder"))
            #expect(message(folder.path).contains("holds no images."))
            try folder.write("x", to: "a.csv")
            try folder.write("x", to: "b/c.csv")
            #expect(message(folder.path).contains("only 2 other files (.csv)"))
            #expect(message(folder.file("a.csv")).contains("not a folder"))
            try link(folder, "dangling", to: "missing")
            #expect(message(folder.file("dangling")).contains("a link to missing, which is not there"))
            #expect(message("").contains("empty"))
        }
    }

    @Test func manyFilesTakeLittleTimeAndKeepTheirNames() throws {
        try withTemporaryFolder { folder in
            let count = 3000
            for index in 0..<count { try folder.write(Data(), to: "c\(index % 7)/image-\(index).jpg") }
            let found = try ImageFolder(root: folder.path)
            #expect(found.count == count)
            let all = names(found)
            #expect(Set(all).count == count)
            for top in 0..<7 {
                let files = all.indices.filter { found.topFolder(of: $0) == top }
                #expect(files.allSatisfy { all[$0].hasPrefix("c\(top)/") })
                #expect(
                    files.map { all[$0] } == files.map { all[$0] }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                )
            }
        }
    }
}
