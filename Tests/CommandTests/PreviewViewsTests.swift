import Foundation
import TestSupport
import Testing

@Suite struct PreviewViewsTests {
    /// A portrait of 251 x 189 pixels among the goldens' inputs.
    static var image: String? { Goldens.folders(.augment).first?.file("inputs/portrait.png") }

    @Test(.requires(Goldens.of(.augment))) func writesAPictureThatDependsOnTheSeedAlone() throws {
        let image = try #require(Self.image)
        try withTemporaryFolder { folder in
            func picture(_ name: String, _ options: String...) throws -> Data {
                let run = try ProgramRun.of(["preview-views", image, "--output", folder.file(name)] + options)
                #expect(run.exitCode == 0, "\(run)")
                return try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
            }
            let first = try picture("a.png")
            #expect(first.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            #expect(try picture("b.png") == first)
            #expect(try picture("c.png", "--seed", "1") != first)
            let small = try picture(
                "d.png", "--set", "views.globalSize=[30,70]", "--set", "views.localCount=0", "--preset", "nano-photos")
            #expect(small.count < first.count / 2)
        }
    }

    @Test(
        .requires(Goldens.of(.augment)),
        arguments: [
            (["--set", "views.globalSize=[0,0]"], "views.globalSize is 0 x 0", 64),
            (["--set", "views.localSize=[2000,20]"], "up to 1,024 pixels a side", 64),
            (["--epoch=-1"], "--epoch is -1", 64),
            (["--set", "views.globalSiz=[8,8]"], "globalSize", 64),
            (["--weights", "/no/such/run"], "/no/such/run", 64),
            (["--output", "/no/such/folder/views.png"], "/no/such/folder", 1),
        ])
    func refusesWithASentence(options: [String], words: String, code: Int32) throws {
        let image = try #require(Self.image)
        try withTemporaryFolder { folder in
            let output = options.first == "--output" ? [] : ["--output", folder.file("views.png")]
            let run = try ProgramRun.of(["preview-views", image] + output + options)
            #expect(run.errors.contains(words), "\(run)")
            #expect(run.exitCode == code, "\(run)")
        }
    }

    @Test func namesAnImageThatCannotBeRead() throws {
        try withTemporaryFolder { folder in
            let file = try folder.write("no image", to: "cat.jpg")
            for path in [file, folder.file("missing.jpg")] {
                let run = try ProgramRun.of("preview-views", path, "--output", folder.file("views.png"))
                #expect(run.exitCode == 1, "\(run)")
                #expect(run.errors.contains(path), "\(run)")
            }
        }
    }
}
