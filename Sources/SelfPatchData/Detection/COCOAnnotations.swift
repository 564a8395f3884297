import Foundation
import SelfPatchFormats

/// Reads `instances_*.json`: images, classes, and boxes and masks of objects in COCO's layout.
///
/// The file is read from front to back out of a mapping, and masks are kept as compressed runs: 860,000 objects of 118,000 images
/// take a few hundred megabytes. What is wrong is collected and told at once, with the annotation's id; what does no harm is
/// mended and counted in `notes`.
package struct COCOAnnotations: Sendable {
    package let data: DetectionData
    /// What was mended or is odd; a sentence each, without a full stop.
    package let notes: [String]

    /// - Parameter threads: for making masks of polygons; 0 takes one for each processor.
    /// - Throws: `UserError` that names the file and every problem.
    package init(path: String, threads: Int = 0) throws {
        try self.init(file: MappedFile(path: path), threads: threads)
    }

    package init(file: MappedFile, threads: Int = 0) throws {
        let title = "The annotations \(PrintableName.of(file.path)) cannot be used"
        (data, notes) = try JSONReader.read(file) { json in
            let lists = try TopLevel(&json)
            defer { json = lists.end }
            var problems = DataProblems()
            for (name, list) in [
                ("images", lists.images), ("annotations", lists.annotations), ("categories", lists.categories),
            ] where list == nil {
                let others = lists.keys.isEmpty ? "nothing else" : lists.keys.joined(separator: ", ")
                problems.add("there is no list '\(name)'; the file has \(PrintableName.of(others))")
            }
            guard var categories = lists.categories, var pictures = lists.images, var annotations = lists.annotations
            else {
                try problems.throwIfAny(title: title)
                return (DetectionData(classes: [], images: []), [])
            }
            let classes = try Self.classes(&categories, &problems)
            let images = try Self.images(&pictures, &problems)
            if images.isEmpty { problems.add("it lists no image") }
            if classes.isEmpty { problems.add("it lists no category") }
            try problems.throwIfAny(title: title)
            var objects = ObjectCollector(classes: classes, images: images, threads: threads)
            try objects.read(&annotations)
            problems.add(contentsOf: objects.problems)
            try problems.throwIfAny(title: title)
            return (objects.data, objects.notes)
        }
    }

    /// Where the three lists begin; they may stand in any order.
    private struct TopLevel {
        var images: JSONReader?
        var annotations: JSONReader?
        var categories: JSONReader?
        var end: JSONReader
        var keys: [String] = []

        init(_ json: inout JSONReader) throws {
            guard try json.kind() == .object else {
                throw json.failure(
                    "an object with 'images', 'annotations' and 'categories' is expected; a list may be one of results")
            }
            end = json
            try json.object { json, key in
                let start = json
                try json.skip()
                switch key {
                case "images": images = start
                case "annotations": annotations = start
                case "categories": categories = start
                default: if keys.count < 10 { keys.append(key) }
                }
            }
            end = json
        }
    }

    // MARK: Categories and images

    private static func classes(
        _ json: inout JSONReader, _ problems: inout DataProblems
    ) throws -> [DetectionClass] {
        var classes: [Int: DetectionClass] = [:]
        var number = 0
        try json.array { json in
            number += 1
            var (id, name) = (Int?.none, String?.none)
            try json.object { json, key in
                switch key {
                case "id": id = try json.integer()
                case "name": name = try json.string()
                default: try json.skip()
                }
            }
            guard let id else {
                problems.add("category number \(number) of the list has no id")
                return
            }
            if classes.updateValue(DetectionClass(name: name ?? "category \(id)", id: id), forKey: id) != nil {
                problems.add("two categories have the id \(id)")
            }
        }
        return classes.values.sorted { $0.id < $1.id }
    }

    private static func images(
        _ json: inout JSONReader, _ problems: inout DataProblems
    ) throws -> [DetectionImage] {
        var images: [DetectionImage] = []
        var number = 0
        try json.array { json in
            number += 1
            var (id, file, height, width) = (Int?.none, "", 0, 0)
            try json.object { json, key in
                switch key {
                case "id": id = try json.integer()
                case "file_name": file = try json.string()
                case "height": height = try json.integer()
                case "width": width = try json.integer()
                default: try json.skip()
                }
            }
            guard let id else {
                problems.add("image number \(number) of the list, '\(PrintableName.of(file))', has no id")
                return
            }
            if height < 1 || width < 1 || height > 1 << 20 || width > 1 << 20 {
                problems.add(
                    "image \(id), '\(PrintableName.of(file))', has the size \(height) x \(width) (height x width)")
            }
            images.append(DetectionImage(id: id, file: file, height: height, width: width))
        }
        images.sort { $0.id < $1.id }
        for (image, next) in zip(images, images.dropFirst()) where image.id == next.id {
            problems.add(
                "two images have the id \(image.id): '\(PrintableName.of(image.file))' and '\(PrintableName.of(next.file))'"
            )
        }
        return images
    }
}
