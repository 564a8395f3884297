import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors

/// What the rows of a file of features are, and what they were made with. It lies beside the file as JSON, and decides whether
/// an unfinished file can be gone on with.
package struct EmbeddingDescription: Codable, Equatable, Sendable {
    /// Which numbers a row holds.
    package enum Kind: String, Codable, CaseIterable, Sendable {
        /// The image summary, `[width]`.
        case summary
        /// The mean over the patches, `[width]`.
        case meanPatch = "mean-patch"
        /// All patches, `[rows, columns, width]`.
        case dense
    }

    package var kind: Kind
    /// As the file's own format calls it: F32 or F16.
    package var elementType: String
    /// The shape of a row.
    package var shape: [Int]
    package var weights: String
    /// CRC-32 of all of the network's numbers, 8 hexadecimal digits.
    package var weightsChecksum: String
    package var folder: String
    /// Images in the folder.
    package var images: Int
    /// Height and width of the view that is taken of each image, in pixels.
    package var viewSize: [Int]
    package var mean: [Double]
    package var deviation: [Double]
    /// Images that went through the network together; another number changes the last bits.
    package var batch: Int
    /// Rows in all; nil while they are not all there.
    package var rows: Int?

    init(
        _ extractor: FeatureExtractor, _ kind: Kind, _ elementType: SafetensorsFile.ElementType, _ folder: ImageFolder,
        weights: String
    ) {
        let (size, architecture) = (extractor.view.size, extractor.network.architecture)
        let grid = Grid(height: size.height, width: size.width, patchSize: architecture.patchSize)
        self.kind = kind
        self.elementType = elementType.rawValue
        shape = kind == .dense ? [grid.rows, grid.columns, architecture.width] : [architecture.width]
        self.weights = weights
        var checksum = CRC32()
        for parameter in extractor.network.parameters { parameter.tensor.withBytes { checksum.update($0) } }
        weightsChecksum = String(format: "%08x", checksum.value)
        self.folder = folder.root
        images = folder.count
        viewSize = [size.height, size.width]
        (mean, deviation) = (extractor.normalization.mean, extractor.normalization.deviation)
        batch = extractor.batchSize
    }

    /// What differs from another, by name; empty where the one's rows can follow the other's.
    func differences(from other: EmbeddingDescription) -> [String] {
        var names: [String] = []
        func compare<Value: Equatable>(_ name: String, _ path: KeyPath<Self, Value>) {
            if self[keyPath: path] != other[keyPath: path] {
                names.append("\(name) (\(other[keyPath: path]) there, \(self[keyPath: path]) now)")
            }
        }
        compare("the features", \.kind)
        compare("the type of the numbers", \.elementType)
        compare("the shape of a row", \.shape)
        compare("the weights' checksum", \.weightsChecksum)
        compare("the folder", \.folder)
        compare("the number of images", \.images)
        compare("the view's size", \.viewSize)
        compare("the mean", \.mean)
        compare("the deviation", \.deviation)
        compare("the batch", \.batch)
        return names
    }
}
