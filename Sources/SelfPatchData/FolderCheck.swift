import CSelfPatchPixels
import Foundation
import SelfPatchFormats

/// Decodes every image of a folder or of shards, with threads, and tells about each in their order.
package struct FolderCheck: Sendable {
    /// What one readable image is.
    package struct Picture: Sendable {
        package let info: ImageInfo
        /// For each channel of the model the mean of its values, 0...255.
        package let mean: [Double]
        /// For each channel the mean of the squared values.
        let meanSquare: [Double]
    }

    /// One entry of the folder: what it is, or why it cannot be used.
    package struct Entry: Sendable {
        /// Relative to the folder.
        package let name: String
        package let result: Result<Picture, ImageProblem>
        /// False for what the walk met besides images: folders without permission, links that lead nowhere.
        package let isImage: Bool
    }

    package let images: any ImageCollection
    package let channels: Int
    package let pixelLimit: Int
    package let threads: Int

    package init(
        _ images: any ImageCollection, channels: Int = 3, pixelLimit: Int = ImageFile.defaultPixelLimit,
        threads: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        precondition(threads > 0, "\(threads) threads")
        self.images = images
        self.channels = channels
        self.pixelLimit = pixelLimit
        self.threads = threads
    }

    /// Runs through the folder. Memory does not grow with its size: entries are handed out block by block.
    package func run(_ tell: (Entry) throws -> Void) throws {
        for problem in images.problems {
            try tell(Entry(name: problem.name, result: .failure(problem.problem), isImage: false))
        }
        let block = threads * 16
        for start in stride(from: 0, to: images.count, by: block) {
            for entry in entries(start..<min(start + block, images.count)) { try tell(entry) }
        }
    }

    private func entries(_ range: Range<Int>) -> [Entry] {
        let next = Counter(range.lowerBound)
        let lock = NSLock()
        nonisolated(unsafe) var found: [Entry?] = Array(repeating: nil, count: range.count)
        DispatchQueue.concurrentPerform(iterations: min(threads, range.count)) { _ in
            while let index = next.take(below: range.upperBound) {
                let entry = entry(index)
                lock.withLock { found[index - range.lowerBound] = entry }
            }
        }
        return found.compactMap(\.self)
    }

    private func entry(_ index: Int) -> Entry {
        let result: Result<Picture, ImageProblem>
        do throws(ImageProblem) {
            let (pixels, info) = try images.read(index, channels: channels, pixelLimit: pixelLimit)
            result = .success(Picture(pixels, info))
        } catch {
            result = .failure(error)
        }
        return Entry(name: images.name(of: index), result: result, isImage: true)
    }

    /// Hands out numbers to threads.
    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var next: Int

        init(_ first: Int) {
            next = first
        }

        func take(below limit: Int) -> Int? {
            lock.withLock {
                guard next < limit else { return nil }
                defer { next += 1 }
                return next
            }
        }
    }
}

extension FolderCheck.Picture {
    fileprivate init(_ pixels: Pixels, _ info: ImageInfo) {
        var sums = [Double](repeating: 0, count: pixels.channels)
        var squares = sums
        let count = pixels.height * pixels.width
        pixels.bytes.withUnsafeBufferPointer { bytes in
            px_sums(bytes.baseAddress, Int64(count), Int32(pixels.channels), &sums, &squares)
        }
        self.info = info
        mean = sums.map { $0 / Double(count) }
        meanSquare = squares.map { $0 / Double(count) }
    }
}

/// What all readable images of a folder have in common, gathered one by one.
package struct FolderSummary: Sendable {
    package private(set) var readable = 0
    package private(set) var unreadable = 0
    package private(set) var formats: [ImageInfo.Format: Int] = [:]
    package private(set) var reasons: [ImageProblem.Reason: Int] = [:]
    /// Shorter side of the smallest, longer side of the largest image, in pixels; nil without images.
    package private(set) var shortestSide: Int?
    package private(set) var longestSide: Int?
    private var sums: [Double]
    private var squares: [Double]

    package init(channels: Int) {
        sums = Array(repeating: 0, count: channels)
        squares = sums
    }

    package mutating func add(_ entry: FolderCheck.Entry) {
        switch entry.result {
        case .failure(let problem):
            unreadable += 1
            reasons[problem.reason, default: 0] += 1
        case .success(let picture):
            readable += 1
            formats[picture.info.format, default: 0] += 1
            let (short, long) = (
                min(picture.info.height, picture.info.width), max(picture.info.height, picture.info.width)
            )
            shortestSide = min(shortestSide ?? short, short)
            longestSide = max(longestSide ?? long, long)
            for channel in sums.indices {
                sums[channel] += picture.mean[channel]
                squares[channel] += picture.meanSquare[channel]
            }
        }
    }

    /// Mean of each channel over the images, of values in 0...1, every image counting the same; what the settings call
    /// `mean`. Nil without images.
    package var mean: [Double]? {
        readable == 0 ? nil : sums.map { $0 / Double(readable) / 255 }
    }

    /// Deviation of each channel around that mean, of values in 0...1.
    package var deviation: [Double]? {
        guard let mean else { return nil }
        return zip(squares, mean).map { square, mean in
            max(square / Double(readable) / (255 * 255) - mean * mean, 0).squareRoot()
        }
    }
}
