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
                let clock = ContinuousClock.now
                check(entry, path: folder.file(entry.path), pixelLimit: odd.pixelLimit)
                #expect(ContinuousClock.now - clock < .seconds(1), "\(entry) takes too long")
            }
            if !absent.isEmpty { print("The file system does not hold \(absent.joined(separator: ", ")).") }
        }
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
