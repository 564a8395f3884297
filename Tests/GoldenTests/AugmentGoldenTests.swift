import CSelfPatchPixels
import Foundation
import SelfPatchData
import SelfPatchFormats
import TestSupport
import Testing

/// Every case of `augment/cases.json`: parts of the augmentation alone, chained, and whole views.
@Suite(.requires(Goldens.of(.augment))) struct AugmentGoldenTests {
    @Test(arguments: AugmentCase.all) func withinTolerance(example: AugmentCase) throws {
        let picture = try example.picture()
        let result = try example.operations.reduce(into: picture) { try $0.apply($1) }
        try example.check(result)
    }

    /// The same for cases that are a view as the program makes it, all parts in one go.
    @Test(arguments: AugmentCase.all.filter { $0.view != nil }) func asAWholeView(example: AugmentCase) throws {
        let (recipe, size) = try #require(example.view)
        let picture = try example.picture()
        let image = Pixels(
            height: picture.height, width: picture.width, channels: 3, bytes: picture.interleaved)
        var settings = MultiCropSettings()
        var result = AugmentPicture(
            height: size.height, width: size.width,
            planes: MultiCrop(settings).view(of: image, by: recipe, size: size, scratch: ViewScratch()))
        if let last = example.operations.last, last.op == "normalize" {
            settings.mean = try #require(last.mean)
            settings.deviation = try #require(last.deviation)
            result.normalized = settings.normalized(result.planes)
        }
        try example.check(result)
    }
}

/// A picture on its way through a case's operations.
struct AugmentPicture {
    var height: Int
    var width: Int
    /// `[3, height, width]`
    var planes: [UInt8]
    var normalized: [Float]?

    var interleaved: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: planes.count)
        px_from_planes(planes, height * width, 3, &bytes)
        return bytes
    }

    mutating func apply(_ operation: AugmentCase.Operation) throws {
        let (h, w) = (Int32(height), Int32(width))
        switch operation.op {
        case "crop":
            let box = try operation.box
            planes = (0..<3).flatMap { channel in
                (box.top..<box.top + box.height).flatMap { y in
                    let start = (channel * height + y) * width + box.left
                    return planes[start..<start + box.width]
                }
            }
            (height, width) = (box.height, box.width)
        case "resize":
            let size = try operation.size
            let (newHeight, newWidth) = (Int32(size.height), Int32(size.width))
            var resized = [UInt8](repeating: 0, count: 3 * size.pixels)
            let scratch = UnsafeMutableRawPointer.allocate(
                byteCount: px_resize_scratch(h, w, 3, newHeight, newWidth), alignment: 64)
            defer { scratch.deallocate() }
            px_resize(interleaved, width * 3, h, w, 3, 0, &resized, newHeight, newWidth, scratch)
            (height, width, planes) = (size.height, size.width, resized)
        case "flip": px_flip(&planes, 3, h, w)
        case "brightness": color(PX_BRIGHTNESS, try #require(operation.factor))
        case "contrast": color(PX_CONTRAST, try #require(operation.factor))
        case "saturation": color(PX_SATURATION, try #require(operation.factor))
        case "hue": color(PX_HUE, try #require(operation.shift))
        case "greyscale": color(PX_GREYSCALE, 0)
        case "solarize": color(PX_SOLARIZE, 0)
        case "blur":
            let scratch = UnsafeMutableRawPointer.allocate(byteCount: px_blur_scratch(h, w), alignment: 64)
            defer { scratch.deallocate() }
            px_blur(&planes, 3, h, w, Float(try #require(operation.radius)), scratch)
        case "normalize":
            var settings = MultiCropSettings()
            settings.mean = try #require(operation.mean)
            settings.deviation = try #require(operation.deviation)
            normalized = settings.normalized(planes)
        default: Issue.record("unknown operation '\(operation.op)'")
        }
    }

    private mutating func color(_ kind: px_color_kind, _ amount: Double) {
        px_color(&planes, height * width, 3, [px_color_step(kind: kind, amount: amount)], 1)
    }
}

/// One entry of `cases.json`.
struct AugmentCase: Sendable, CustomTestStringConvertible {
    struct Operation: Decodable, Sendable {
        let op: String
        let top, left, height, width: Int?
        let factor, shift, radius: Double?
        let mean, deviation: [Double]?

        var size: ViewSize {
            get throws { ViewSize(height: try #require(height), width: try #require(width)) }
        }
        var box: CropBox {
            get throws {
                CropBox(
                    top: try #require(top), left: try #require(left), height: try #require(height),
                    width: try #require(width))
            }
        }
    }

    private struct Entry: Decodable {
        struct Tolerance: Decodable {
            let max, mean: Double
        }
        let name, input, expected, unit: String
        let operations: [Operation]
        let tolerance: Tolerance
    }

    private struct Cases: Decodable {
        let cases: [Entry]
    }

    private let folder: Goldens.Folder
    private let entry: Entry

    var operations: [Operation] { entry.operations }
    var testDescription: String { "\(entry.name) of \(folder.origin)" }

    static let all: [AugmentCase] = Goldens.folders(.augment).flatMap { folder in
        guard let cases = try? folder.decode(Cases.self, from: "cases.json").cases else {
            Issue.record("\(folder.file("cases.json")) cannot be decoded")
            return [AugmentCase]()
        }
        return cases.map { AugmentCase(folder: folder, entry: $0) }
    }

    func picture() throws -> AugmentPicture {
        try Self.read(folder.file(entry.input))
    }

    private static func read(_ path: String) throws -> AugmentPicture {
        let image = try ImageFile.decode(path: path, channels: 3)
        var planes = [UInt8](repeating: 0, count: image.bytes.count)
        px_to_planes(image.bytes, image.height * image.width, 3, &planes)
        return AugmentPicture(height: image.height, width: image.width, planes: planes)
    }

    /// The case as a recipe, where the operations are those of a view in a view's order.
    var view: (ViewRecipe, ViewSize)? {
        var rest = operations[...]
        func next(_ name: String) -> Operation? {
            guard rest.first?.op == name else { return nil }
            return rest.removeFirst()
        }
        guard let box = next("crop"), let box = try? box.box, let size = next("resize"), let size = try? size.size
        else { return nil }
        var recipe = ViewRecipe(box: box)
        recipe.isFlipped = next("flip") != nil
        var jitter = ColorJitter(order: [], brightness: 1, contrast: 1, saturation: 1, hue: 0)
        while let first = rest.first {
            switch first.op {
            case "brightness": (jitter.brightness, jitter.order) = (first.factor ?? 1, jitter.order + [.brightness])
            case "contrast": (jitter.contrast, jitter.order) = (first.factor ?? 1, jitter.order + [.contrast])
            case "saturation": (jitter.saturation, jitter.order) = (first.factor ?? 1, jitter.order + [.saturation])
            case "hue": (jitter.hue, jitter.order) = (first.shift ?? 0, jitter.order + [.hue])
            default: break
            }
            guard ["brightness", "contrast", "saturation", "hue"].contains(first.op) else { break }
            rest.removeFirst()
        }
        if !jitter.order.isEmpty { recipe.jitter = jitter }
        recipe.isGreyscale = next("greyscale") != nil
        recipe.blurRadius = next("blur")?.radius
        recipe.isSolarized = next("solarize") != nil
        _ = next("normalize")
        return rest.isEmpty ? (recipe, size) : nil
    }

    func check(_ result: AugmentPicture) throws {
        let (expected, actual): ([Float], [Float])
        if entry.unit == "normalized" {
            let file = try SafetensorsFile(path: folder.file(entry.expected))
            let image = try #require(file["image"])
            #expect(image.shape == [3, result.height, result.width])
            expected = file.withBytes(of: image) { Array($0.bindMemory(to: Float.self)) }
            actual = try #require(result.normalized)
        } else {
            let picture = try Self.read(folder.file(entry.expected))
            #expect(picture.height == result.height && picture.width == result.width)
            (expected, actual) = (picture.planes.map(Float.init), result.planes.map(Float.init))
        }
        try #require(expected.count == actual.count)
        let differences = zip(expected, actual).map { Double(abs($0 - $1)) }
        let (most, mean) = (differences.max() ?? 0, differences.reduce(0, +) / Double(differences.count))
        #expect(most <= entry.tolerance.max, "largest difference \(most)")
        #expect(mean <= entry.tolerance.mean, "mean difference \(mean)")
        if environment("SELFPATCH_PRINT_DIFFERENCES") != nil { print("\(entry.name): \(most) \(mean)") }
    }
}
