import Dispatch
import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// Runs images through a finished network and keeps what comes out.
package struct FeatureExtractor {
    /// Which numbers stand for an image.
    package enum Feature: String, CaseIterable, Codable, Sendable {
        /// The image summary of the aggregation module.
        case summary
        /// The mean over the last block's patches.
        case meanPatch = "mean-patch"
    }

    /// The features of several images, on the CPU.
    package struct ImageFeatures {
        /// `[images, blocks * width]`
        package let summary: Tensor
        /// `[images, blocks * width]`
        package let meanPatch: Tensor
        /// The places of these images in the list that was asked for: all but those that could not be read.
        package let indices: [Int]
        /// The images that could not be read, with the reasons.
        package let skipped: [UserError]

        package subscript(feature: Feature) -> Tensor {
            switch feature {
            case .summary: summary
            case .meanPatch: meanPatch
            }
        }
    }

    package let network: Network
    package let view: CenterView
    package let normalization: ViewNormalization
    /// Images that go through the network together. It changes memory and speed, not the numbers beyond rounding.
    package let batchSize: Int
    /// How many of the last blocks give features, which stand side by side, the last block's at the end.
    package var blockCount = 1

    package init(network: Network, view: ViewSize, normalization: ViewNormalization, batchSize: Int = 64) {
        precondition(batchSize > 0, "batches of \(batchSize)")
        self.network = network
        self.view = CenterView(view)
        self.normalization = normalization
        self.batchSize = batchSize
    }

    /// Features of images wherever they come from.
    ///
    /// - Parameters:
    ///   - count: how many images there are.
    ///   - progress: is told how many are done, after each batch; what it throws ends it.
    ///   - image: the decoded image with this number; called from several threads. What it throws is kept with the
    ///     features as `skipped`.
    /// - Throws: `UserError` where no image could be read, or where features are not finite.
    package func features(
        count: Int, progress: ((Int) throws -> Void)? = nil, image: @Sendable (Int) throws -> Pixels
    ) throws -> ImageFeatures {
        var summaries: [Tensor] = []
        var means: [Tensor] = []
        var indices: [Int] = []
        var skipped: [UserError] = []
        for start in stride(from: 0, to: count, by: batchSize) {
            let batch = start..<min(start + batchSize, count)
            let decoded = decoded(batch, image)
            indices += decoded.indices
            skipped += decoded.skipped.map(\.error)
            if !decoded.planes.isEmpty {
                let (summary, meanPatch) = features(ofPlanes: decoded.planes)
                summaries.append(summary.moved(to: .cpu))
                means.append(meanPatch.moved(to: .cpu))
            }
            try progress?(batch.upperBound)
        }
        guard !summaries.isEmpty else {
            let reason = skipped.first.map { " The first: \($0)" } ?? ""
            throw UserError("None of \(count) images could be read.\(reason)")
        }
        let features = ImageFeatures(
            summary: Tensor.concatenated(summaries), meanPatch: Tensor.concatenated(means), indices: indices,
            skipped: skipped)
        try requireFinite(features.summary)
        try requireFinite(features.meanPatch)
        return features
    }

    /// Features of views that are cut already: `[images, blocks * width]` each, on the network's device.
    ///
    /// - Parameter planes: of each image `[channels, height, width]`, all of the extractor's own size.
    package func features(ofPlanes planes: [[UInt8]]) -> (summary: Tensor, meanPatch: Tensor) {
        let blocks = network.features(of: normalized(planes), lastBlocks: blockCount)
        return (
            .concatenated(blocks.map(\.imageSummary), dimension: 1),
            .concatenated(blocks.map(\.meanPatch), dimension: 1)
        )
    }

    /// Patch features of a few images at once: `[images, patches, width]` on the CPU, with their grid.
    ///
    /// - Parameter planes: of each image `[channels, height, width]`, all of one size.
    package func patches(ofPlanes planes: [[UInt8]], size: ViewSize) throws -> (features: Tensor, grid: Grid) {
        let features = network.features(of: normalized(planes, size: size))
        let patches = features.patches.moved(to: .cpu)
        try requireFinite(patches)
        return (patches, features.grid)
    }

    /// All that the network says of views that are cut already, on its device.
    ///
    /// - Parameter planes: of each image `[channels, height, width]`, all of the extractor's own size.
    package func output(ofPlanes planes: [[UInt8]]) -> Network.Features { network.features(of: normalized(planes)) }

    /// The images of a batch that could be read, as views.
    package struct DecodedBatch {
        package var planes: [[UInt8]] = []
        /// The places of these images in the list that was asked for.
        package var indices: [Int] = []
        package var skipped: [(index: Int, error: UserError)] = []
    }

    /// Decodes images on all cores.
    package func decoded(_ batch: Range<Int>, _ image: @Sendable (Int) throws -> Pixels) -> DecodedBatch {
        let view = view
        let results = concurrently(batch.count, lane: ViewScratch.init) { place, scratch in
            Result { view.planes(of: try image(batch.lowerBound + place), scratch: scratch) }
        }
        var decoded = DecodedBatch()
        for (index, result) in zip(batch, results) {
            switch result {
            case .success(let planes):
                decoded.planes.append(planes)
                decoded.indices.append(index)
            case .failure(let error):
                decoded.skipped.append((index, error as? UserError ?? UserError("Image \(index + 1): \(error)")))
            }
        }
        return decoded
    }

    private func normalized(_ planes: [[UInt8]], size: ViewSize? = nil) -> Tensor {
        let size = size ?? view.size
        let shape = [planes.count, network.architecture.channels, size.height, size.width]
        return normalization(Tensor(Array(planes.joined()), shape: shape).moved(to: network.device))
    }

    package func requireFinite(_ features: Tensor) throws {
        guard features.isFinite else {
            throw UserError(
                "The network's features are not finite numbers: its weights are damaged or training had diverged. "
                    + "Take an earlier checkpoint.")
        }
    }
}
