import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// Features of a folder of images in one file, a row each; memory holds one batch, however large the folder is.
///
/// A call that was stopped or killed is gone on with by the same call; the file is to the bit that of a call never stopped.
package struct FolderEmbedding {
    package let extractor: FeatureExtractor
    package var kind = EmbeddingDescription.Kind.summary
    /// Half the file where true.
    package var isHalf = false
    /// Rows count at least this often; what came after is made again after a kill.
    package var saveEvery = Duration.seconds(5)

    package init(_ extractor: FeatureExtractor) { self.extractor = extractor }

    /// How a call ended.
    package struct Outcome: Sendable, Equatable {
        /// Images that were seen, those of earlier calls included; all of the folder's unless the call was stopped.
        package let images: Int
        package let skipped: Int
        package let isFinished: Bool
    }

    /// - Parameters:
    ///   - output: a path that ends in `.npy` or `.safetensors`. Beside it: `.names.txt` with the rows' names in their order,
    ///     `.skipped.txt` with the number and the reason of each image that could not be read, `.json` with what the rows are.
    ///   - weights: what the description says of where the network came from.
    ///   - progress: is told how many images are done, after each batch.
    ///   - isStopped: is asked after each batch.
    /// - Throws: `UserError` where no image could be read, where files cannot be written or gone on with, or where features
    ///   are not finite.
    package func write(
        _ folder: ImageFolder, to output: String, weights: String, progress: ((Int) -> Void)? = nil,
        isStopped: () -> Bool = { false }
    ) throws -> Outcome {
        let type = isHalf ? SafetensorsFile.ElementType.f16 : .f32
        let description = EmbeddingDescription(extractor, kind, type, folder, weights: weights)
        let files = try EmbeddingFiles(output: output, description, type, folder)
        let channels = extractor.network.architecture.channels
        var saved = ContinuousClock.now
        while files.position < folder.count {
            let batch = files.position..<min(files.position + extractor.batchSize, folder.count)
            let decoded = extractor.decoded(batch) { index in
                try ImageFile.decode(path: folder.path(of: index), channels: channels)
            }
            let names = decoded.indices.map(folder.name(of:))
            if decoded.planes.isEmpty {
                try files.append(names: names, nil, skipped: decoded.skipped, upTo: batch.upperBound)
            } else {
                let features = features(of: decoded.planes, shape: description.shape)
                try extractor.requireFinite(features)
                try features.withBytes {
                    try files.append(names: names, $0, skipped: decoded.skipped, upTo: batch.upperBound)
                }
            }
            progress?(files.position)
            if files.position < folder.count, isStopped() {
                try files.save()
                return Outcome(images: files.position, skipped: files.skippedCount, isFinished: false)
            }
            if ContinuousClock.now - saved > saveEvery {
                try files.save()
                saved = ContinuousClock.now
            }
        }
        try files.finish()
        return Outcome(images: folder.count, skipped: files.skippedCount, isFinished: true)
    }

    /// `[images] + shape` on the CPU, in the file's type.
    private func features(of planes: [[UInt8]], shape: [Int]) -> Tensor {
        let output = extractor.output(ofPlanes: planes)
        let features =
            switch kind {
            case .summary: output.imageSummary
            case .meanPatch: output.meanPatch
            case .dense: output.patches
            }
        return features.reshaped(to: [planes.count] + shape).cast(to: isHalf ? .float16 : .float32).moved(to: .cpu)
    }
}
