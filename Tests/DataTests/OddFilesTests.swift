import Foundation
import SelfPatchData
import TestSupport
import Testing

/// Every file of the odd folder: what is read, how it looks, and why the rest is refused.
@Suite struct OddFilesTests {
    @Test(.requires(SharedData.oddFiles)) func everyFileIsReadOrRefusedAsTheManifestSays() throws {
        let odd = try OddFiles(at: #require(SharedData.oddFiles.path))
        try withTemporaryFolder { folder in
            try odd.copy(to: folder.path)
            var absent: [String] = []
            for entry in odd.entries {
                guard OddFiles.isThere(entry, in: folder.path) else {
                    absent.append(entry.path)
                    continue
                }
                let start = threadSeconds()
                check(entry, path: folder.file(entry.path), pixelLimit: odd.pixelLimit)
                #expect(threadSeconds() - start < 1, "\(entry) takes too long")
            }
            if !absent.isEmpty { print("The file system does not hold \(absent.joined(separator: ", ")).") }
        }
    }

    /// Processor time of this thread, which does not depend on how busy the machine is.
    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func check(_ entry: OddFiles.Entry, path: String, pixelLimit: Int) {
        do {
            let (pixels, info) = try ImageFile.read(path: path, channels: 3, pixelLimit: pixelLimit)
            #expect(entry.readable.allows(true), "\(entry) (\(entry.what)) was read")
            #expect(info.height == pixels.height && info.width == pixels.width)
            let sizes = [[entry.width, entry.height].compactMap(\.self), entry.sizeMayAlsoBe ?? []]
            if entry.width != nil { #expect(sizes.contains([pixels.width, pixels.height]), "\(entry)") }
            checkColors(entry, pixels)
            let again = try? ImageFile.read(path: path, channels: 3, pixelLimit: pixelLimit)
            #expect(again?.pixels == pixels, "\(entry) is different at the second reading")
        } catch {
            #expect(entry.readable.allows(false), "\(entry) (\(entry.what)) was refused: \(error.detail)")
            #expect(entry.better != "read", "\(entry) (\(entry.what)) should be read: \(error.detail)")
            let reasons = [entry.reason, entry.alsoReason].compactMap(\.self)
            #expect(reasons.contains(error.reason.rawValue), "\(entry): \(error.reason), \(error.detail)")
            #expect(!error.detail.isEmpty && !error.detail.hasSuffix("."))
        }
    }

    private func checkColors(_ entry: OddFiles.Entry, _ pixels: Pixels) {
        guard let tolerance = entry.tolerance, let mean = entry.mean, entry.meanUnchecked == nil else { return }
        let found = meanColor(pixels, rows: 0..<pixels.height, columns: 0..<pixels.width)
        let allowed = [mean, entry.meanMayAlsoBe].compactMap(\.self)
        #expect(allowed.contains { distance($0, found) <= tolerance }, "\(entry): mean \(found) instead of \(mean)")
        guard let corners = entry.corners else { return }
        let rows = pixels.height / 4
        let columns = pixels.width / 4
        for (index, expected) in corners.enumerated() {
            let top = index < 2 ? 0 : pixels.height - rows
            let left = index % 2 == 0 ? 0 : pixels.width - columns
            let color = meanColor(pixels, rows: top..<top + rows, columns: left..<left + columns)
            #expect(
                distance(expected, color) <= tolerance + 2, "\(entry): corner \(index) is \(color), not \(expected)")
        }
    }

    private func meanColor(_ pixels: Pixels, rows: Range<Int>, columns: Range<Int>) -> [Double] {
        (0..<3).map { channel in
            var sum = 0
            for row in rows {
                for column in columns { sum += Int(pixels.bytes[(row * pixels.width + column) * 3 + channel]) }
            }
            return Double(sum) / Double(rows.count * columns.count)
        }
    }

    private func distance(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).map { abs($0 - $1) }.max() ?? .infinity
    }
}

/// Files that no archive carries: each is made here.
@Suite struct HostilePathTests {
    private let picture = Pixels(height: 48, width: 64, channels: 3, bytes: Array(repeating: 77, count: 48 * 64 * 3))

    private func problem(_ path: String) -> ImageProblem? {
        do {
            _ = try ImageFile.read(path: path, channels: 3)
            return nil
        } catch {
            return error
        }
    }

    @Test func pipesSocketsAndFoldersAreNoFilesAndNobodyWaits() throws {
        try withTemporaryFolder { folder in
            mkfifo(folder.file("pipe.jpg"), 0o644)
            try FileManager.default.createDirectory(
                atPath: folder.file("folder.jpg"), withIntermediateDirectories: false)
            try bindSocket(folder.file("socket.jpg"))
            try PNGFile.write(picture, to: folder.file("real.png"))
            let clock = ContinuousClock.now
            for name in ["pipe.jpg", "folder.jpg", "socket.jpg"] {
                #expect(problem(folder.file(name))?.reason == .notAFile, "\(name)")
            }
            #expect(problem("/dev/null")?.reason == .notAFile)
            #expect(ContinuousClock.now - clock < .seconds(10))
            // The two that are no folders are listed, so that they are named.
            #expect(try ImageFolder(root: folder.path).count == 3)
        }
    }

    private func bindSocket(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0, "cannot bind \(path): \(errno)")
    }

    @Test func aFileThatIsGoneOrShortenedAfterListingIsNamed() throws {
        try withTemporaryFolder { folder in
            try PNGFile.write(picture, to: folder.file("gone.png"))
            let short = try PNGFile.encoded(picture).prefix(60)
            try PNGFile.write(picture, to: folder.file("short.png"))
            let images = try ImageFolder(root: folder.path)
            try FileManager.default.removeItem(atPath: images.path(of: 0))
            try short.write(to: URL(fileURLWithPath: images.path(of: 1)))
            #expect(problem(images.path(of: 0))?.reason == .notFound)
            #expect(problem(images.path(of: 1))?.reason == .truncated)
        }
    }

    @Test func aSparseFileOfTwentyGigabytesIsNotReadWhole() throws {
        try withTemporaryFolder { folder in
            let path = folder.file("sparse.png")
            try PNGFile.write(picture, to: path)
            guard truncate(path, 20_000_000_000) == 0 else {
                print("The file system has no sparse files: not tested.")
                return
            }
            let clock = ContinuousClock.now
            #expect(problem(path)?.reason == .tooLarge)
            #expect(ContinuousClock.now - clock < .seconds(10))
        }
    }

    @Test func namesOfEveryKindStayOneEntryEach() throws {
        try withTemporaryFolder { folder in
            let names = [
                "two\nlines.png", "tab\there.png", "back\\slash.png", "quote\".png", "%s%n.png", " .png", "é.png",
            ]
            for name in names { try PNGFile.write(picture, to: folder.file(name)) }
            // Latin-1 for café.png, which is not UTF-8. Not every file system lets it be.
            let latin = Array(folder.path.utf8) + Array("/caf\u{E9}.png".unicodeScalars.map { UInt8($0.value) }) + [0]
            let descriptor = latin.withUnsafeBytes {
                open($0.bindMemory(to: CChar.self).baseAddress!, O_CREAT | O_WRONLY, 0o644)
            }
            if descriptor >= 0 { close(descriptor) }
            let images = try ImageFolder(root: folder.path)
            #expect(Set((0..<images.count).map(images.name)) == Set(names))
            for index in 0..<images.count { #expect(problem(images.path(of: index)) == nil) }
            if descriptor >= 0 { #expect(images.problems.map(\.problem.reason) == [.badName]) }
        }
    }
}
