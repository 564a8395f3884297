import Foundation
import SelfPatchFormats

/// Images and maps of their labels in two folder trees, paired by their names without extension.
package struct FolderPairs: Sendable {
    package let images: ImageFolder
    /// The label map of each image: its place in `maps`.
    private let places: [Int]
    private let maps: ImageFolder

    package var count: Int { images.count }

    /// - Throws: `UserError` where a folder is missing or empty, or images have no label map; the first few are named.
    package init(images: String, labels: String) throws {
        self.images = try ImageFolder(root: images)
        maps = try ImageFolder(root: labels)
        func stem(_ name: String) -> String { (name as NSString).deletingPathExtension }
        var found: [String: Int] = [:]
        for index in 0..<maps.count { found[stem(maps.name(of: index))] = index }
        var missing: [String] = []
        var places: [Int] = []
        for index in 0..<self.images.count {
            let name = self.images.name(of: index)
            if let place = found[stem(name)] { places.append(place) } else { missing.append(name) }
        }
        guard missing.isEmpty else {
            throw UserError(
                "\(missing.count) of \(self.images.count) images in \(images) have no label map of the same name in "
                    + "\(labels): \(missing.map(PrintableName.of).listed(20)).")
        }
        self.places = places
    }

    package func image(_ index: Int, channels: Int) throws -> Pixels {
        try ImageFile.decode(path: images.path(of: index), channels: channels)
    }

    /// One channel, one label a pixel, as stored: see `ImageFile.labels`.
    package func labels(_ index: Int) throws -> Pixels { try ImageFile.labels(path: labelPath(index)) }

    /// The file of an image's label map.
    package func labelPath(_ index: Int) -> String { maps.path(of: places[index]) }
}
