import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// Shards: what was packed comes out, other programs' tar files are read, and damage is named.
@Suite struct ImageShardsTests {
    /// A PNG of 2 x 3 grey pixels; `number` decides what they are.
    static func picture(_ number: Int) -> Data {
        DrawnPNG(colorType: 0, bits: 8, rows: [[number, 2, 3], [4, number * 7 % 256, 6]]).bytes()
    }

    static func folder(in place: TemporaryFolder, images: Int = 20) throws -> ImageFolder {
        for number in 0..<images {
            try place.write(picture(number), to: "in/kind \(number % 3)/a.b \(number).PNG")
        }
        return try ImageFolder(root: place.file("in"))
    }

    static func read(_ images: any ImageCollection, _ index: Int) throws -> Pixels {
        try images.read(index, channels: 1, pixelLimit: 1_000).pixels
    }

    /// Pixels by the last part of the name, of which packing leaves the digits.
    static func content(_ images: any ImageCollection) throws -> [String: Pixels] {
        var content: [String: Pixels] = [:]
        for index in 0..<images.count {
            let name = images.name(of: index).split(separator: "/").last.map(String.init) ?? ""
            content[name.filter(\.isNumber)] = try read(images, index)
        }
        return content
    }

    @Test func whatIsPackedComesOut() throws {
        try withTemporaryFolder { place in
            let images = try Self.folder(in: place)
            var settings = ShardPacker.Settings()
            settings.shardBytes = 6 * 1_024
            let outcome = try ShardPacker(images, output: place.file("out.tar"), settings).pack()
            #expect(outcome.images == 20 && outcome.paths.count == 4 && outcome.skipped.isEmpty, "\(outcome)")
            #expect(outcome.pattern == place.file("out-{000000..000003}.tar"))
            let expected = try Self.content(images)
            #expect(expected.count == 20)

            let shards = try ImageCollections.open(outcome.pattern, window: 7)
            #expect(shards.count == 20 && shards.problems.isEmpty)
            #expect(shards.name(of: 0).hasPrefix("out-000000.tar/kind_"))
            #expect(try Self.content(shards) == expected)
            #expect(
                shards.mixing.shards.reduce(0, +) == 20 && shards.mixing.shards.count == 4 && shards.mixing.window == 7)

            // Without its index a shard is the same, only read through.
            for path in outcome.paths { try FileManager.default.removeItem(atPath: ShardIndexPath.of(path)) }
            let listed = try ImageCollections.open(outcome.pattern)
            #expect((0..<20).map { listed.name(of: $0) } == (0..<20).map { shards.name(of: $0) })
            #expect(try Self.content(listed) == expected)
        }
    }

    @Test func theSameFolderGivesTheSameBytes() throws {
        try withTemporaryFolder { place in
            let images = try Self.folder(in: place)
            for name in ["one", "two"] { _ = try ShardPacker(images, output: place.file(name), .init()).pack() }
            for end in ["-000000.tar", "-000000.idx"] {
                let one = FileManager.default.contents(atPath: place.file("one" + end))
                #expect(try #require(one).isEmpty == false)
                #expect(one == FileManager.default.contents(atPath: place.file("two" + end)))
            }
        }
    }

    @Test func namesThatWouldBeTheSameAreKeptApart() throws {
        try withTemporaryFolder { place in
            for (number, name) in ["a.b.png", "a_b.png", "a b.png", "a.b.PNG"].enumerated() {
                try place.write(Self.picture(number), to: "in/\(name)")
            }
            try place.write("no image", to: "in/text.png")
            let outcome = try ShardPacker(ImageFolder(root: place.file("in")), output: place.file("out"), .init())
                .pack()
            #expect(outcome.images == 4 && outcome.skipped.map(\.name) == ["text.png"])
            let shards = try ImageCollections.open(place.file("out-000000.tar"))
            #expect(shards.count == 4)
            #expect(Set((0..<4).map { shards.name(of: $0) }).count == 4)
        }
    }

    private static func tar(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar"] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "tar \(arguments) ended with \(process.terminationStatus)")
        return text
    }

    @Test func theSystemsTarReadsOurs() throws {
        try withTemporaryFolder { place in
            let long = String(repeating: "long/", count: 30)
            try place.write(Self.picture(1), to: "in/\(long)1.png")
            try place.write(Self.picture(2), to: "in/short/2.png")
            var settings = ShardPacker.Settings()
            settings.keepsOrder = true
            settings.writesClasses = true
            _ = try ShardPacker(ImageFolder(root: place.file("in")), output: place.file("out"), settings).pack()
            let names = try Self.tar(["-tf", place.file("out-000000.tar")]).split(separator: "\n").map(String.init)
            #expect(names == ["\(long)1.png", "\(long)1.cls", "short/2.png", "short/2.cls"])
            try FileManager.default.createDirectory(atPath: place.file("x"), withIntermediateDirectories: true)
            _ = try Self.tar(["-xf", place.file("out-000000.tar"), "-C", place.file("x")])
            #expect(FileManager.default.contents(atPath: place.file("x/\(long)1.png")) == Self.picture(1))
            #expect(FileManager.default.contents(atPath: place.file("x/short/2.cls")) == Data("1".utf8))
        }
    }

    @Test(arguments: ["ustar", "gnu", "pax", "oldgnu", "v7"])
    func weReadTheSystemsTar(format: String) throws {
        try withTemporaryFolder { place in
            let long = format == "v7" || format == "ustar" ? "some" : String(repeating: "folder/", count: 20) + "end"
            for number in 0..<3 {
                try place.write(Self.picture(number), to: "in/\(long)/\(number).png")
                try place.write("\(number)", to: "in/\(long)/\(number).cls")
            }
            _ = try Self.tar([
                "--format=\(format)", "--sort=name", "-C", place.file("in"), "-cf", place.file("theirs.tar"), ".",
            ])
            let shards = try ImageCollections.open(place.file("theirs.tar"))
            #expect(shards.count == 3 && shards.problems.isEmpty, "\(shards.problems)")
            #expect(shards.name(of: 2) == "theirs.tar/./\(long)/2.png")
            #expect(try Self.read(shards, 2).bytes[0] == 2)
        }
    }

    @Test func aCutShardIsUsedAsFarAsItGoes() throws {
        try withTemporaryFolder { place in
            let images = try Self.folder(in: place, images: 4)
            var settings = ShardPacker.Settings()
            settings.keepsOrder = true
            _ = try ShardPacker(images, output: place.file("out"), settings).pack()
            let path = place.file("out-000000.tar")
            let whole = try #require(FileManager.default.contents(atPath: path))
            // Behind the index's back: images beyond the end say so when they are read.
            try whole.prefix(2 * 1_024 + 520).write(to: URL(fileURLWithPath: path))
            let indexed = try ImageCollections.open(path)
            // The last member's header is not there, so the index is not this shard's, and its headers count.
            #expect(indexed.count == 2)
            #expect(indexed.problems.map(\.problem.reason) == [.truncated], "\(indexed.problems)")
            try FileManager.default.removeItem(atPath: ShardIndexPath.of(path))
            for length in stride(from: 0, through: whole.count, by: 97) {
                try whole.prefix(length).write(to: URL(fileURLWithPath: path))
                do {
                    let shards = try ImageCollections.open(path)
                    let complete = (0..<4).filter { $0 * 1_024 + 512 + Self.picture(0).count <= length }.count
                    #expect(shards.count == complete, "\(length) bytes")
                    for index in 0..<shards.count { #expect(try Self.read(shards, index) == Self.read(images, index)) }
                } catch let error as UserError {
                    #expect(length < 1_024 && error.description.contains("no image"), "\(length): \(error)")
                }
            }
        }
    }

    @Test func anotherShardsIndexIsNotBelieved() throws {
        try withTemporaryFolder { place in
            _ = try ShardPacker(Self.folder(in: place, images: 5), output: place.file("out"), .init()).pack()
            let path = place.file("out-000000.tar")
            for text in [
                "", "v1.2 1\npng 9 9 a.png", "v1.2 1\npng 1024 5 a.png\n", "v1.2 1\npng 99999999 5 a.png\n", "v1.1 0\n",
            ] {
                try place.write(text, to: "out-000000.idx")
                #expect(try ImageCollections.open(path).count == 5, "\(text)")
            }
        }
    }

    /// Any byte may be another: nothing but errors comes of it, and what is read was there.
    @Test func damagedShardsEndInErrors() throws {
        try withTemporaryFolder { place in
            let images = try Self.folder(in: place, images: 3)
            var settings = ShardPacker.Settings()
            settings.keepsOrder = true
            _ = try ShardPacker(images, output: place.file("out"), settings).pack()
            let path = place.file("out-000000.tar")
            let whole = try #require(FileManager.default.contents(atPath: path))
            var generator = SystemRandomNumberGenerator()
            for round in 0..<400 {
                var bytes = whole
                for _ in 0...(round % 4) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                if round % 3 == 0 { bytes = bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator)) }
                try bytes.write(to: URL(fileURLWithPath: path))
                if round == 200 { try FileManager.default.removeItem(atPath: ShardIndexPath.of(path)) }
                do {
                    let shards = try ImageCollections.open(path)
                    #expect(shards.count <= 3)
                    for index in 0..<shards.count { _ = try? Self.read(shards, index) }
                } catch {
                    #expect(error is UserError, "\(error)")
                }
            }
        }
    }

    @Test func pathsThatAreNoShardsSaySo() throws {
        try withTemporaryFolder { place in
            for (path, words) in [
                ("a-{0..}.tar", "no pattern"), ("a-{3..1}.tar", "no pattern"), ("a-{0..1}.tar", "There is no shard"),
                ("a-{0..1}{0..1}.tar", "no pattern"),
            ] {
                #expect(throws: UserError.self) { try ImageCollections.open(place.file(path)) }
                do { _ = try ImageCollections.open(place.file(path)) } catch {
                    #expect("\(error)".contains(words), "\(error)")
                }
            }
            // A folder with images beside a tar file is a folder of images.
            try place.write(Self.picture(1), to: "mixed/1.png")
            try place.write("", to: "mixed/old.tar")
            #expect(try ImageCollections.open(place.file("mixed")).name(of: 0) == "1.png")
            // Shards that are there are not written over.
            _ = try ShardPacker(ImageFolder(root: place.file("mixed")), output: place.file("s"), .init()).pack()
            #expect(throws: UserError.self) {
                try ShardPacker(ImageFolder(root: place.file("mixed")), output: place.file("s.tar"), .init())
            }
        }
    }
}

private enum ShardIndexPath {
    static func of(_ shard: String) -> String { String(shard.dropLast(4)) + ".idx" }
}
