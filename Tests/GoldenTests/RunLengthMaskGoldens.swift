import SelfPatchData
import TestSupport
import Testing

/// Masks, their text and polygons against pycocotools.
@Suite struct RunLengthMaskGoldens {
    struct Index: Decodable {
        let rle: String
    }

    struct File: Decodable {
        let polygons: [Polygon]
        let strings: [Text]
        let merges: [Merge]
    }

    struct Polygon: Decodable {
        let name: String
        let height: Int
        let width: Int
        let polygons: [[Double]]
        let parts: [String]
        let counts: [Int]
        let string: String
        let area: Int
        let box: [Double]
        let rows: [String]?
    }

    struct Text: Decodable {
        let name: String
        let size: [Int]
        let counts: [Int]
        let string: String
        let area: Int
        let box: [Double]
    }

    struct Merge: Decodable {
        let size: [Int]
        let masks: [String]
        let union: String
        let intersection: String
        let areas: [Int]
        let boxes: [[Double]]
    }

    private func file(of folder: Goldens.Folder) throws -> File {
        try folder.decode(File.self, from: folder.decode(Index.self, from: "cases.json").rle)
    }

    private func text(_ mask: RunLengthMask) -> String { String(decoding: mask.text, as: UTF8.self) }

    private func numbers(_ box: DetectionBox) -> [Double] { [box.x, box.y, box.width, box.height] }

    @Test(.requires(Goldens.of(.coco)), arguments: Goldens.folders(.coco))
    func goldenPolygonsToThePixel(folder: Goldens.Folder) throws {
        let cases = try file(of: folder).polygons
        #expect(!cases.isEmpty)
        for item in cases {
            let (height, width) = (item.height, item.width)
            let parts = try item.polygons.map { try PolygonRaster.mask(of: [$0], height: height, width: width) }
            #expect(parts.map(text) == item.parts, "\(item.name)")
            let mask = try PolygonRaster.mask(of: item.polygons, height: height, width: width)
            #expect(mask.runs.map(Int.init) == item.counts, "\(item.name)")
            #expect(text(mask) == item.string, "\(item.name)")
            #expect(mask.area == item.area, "\(item.name)")
            #expect(numbers(mask.box) == item.box, "\(item.name)")
            if let rows = item.rows {
                let bitmap = rows.flatMap { $0.map { $0 == "1" ? UInt8(1) : 0 } }
                #expect(mask.bitmap == bitmap, "\(item.name)")
                #expect(RunLengthMask(bitmap: bitmap, height: height, width: width) == mask, "\(item.name)")
            }
        }
    }

    @Test(.requires(Goldens.of(.coco)), arguments: Goldens.folders(.coco))
    func goldenTextBothWays(folder: Goldens.Folder) throws {
        let cases = try file(of: folder).strings
        #expect(!cases.isEmpty)
        for item in cases {
            let (height, width) = (item.size[0], item.size[1])
            let mask = try RunLengthMask(height: height, width: width, text: Array(item.string.utf8))
            #expect(mask.runs.map(Int.init) == item.counts, "\(item.name)")
            #expect(try RunLengthMask(height: height, width: width, counts: item.counts) == mask, "\(item.name)")
            #expect(text(mask) == item.string, "\(item.name)")
            #expect(mask.area == item.area, "\(item.name)")
            #expect(numbers(mask.box) == item.box, "\(item.name)")
        }
    }

    @Test(.requires(Goldens.of(.coco)), arguments: Goldens.folders(.coco))
    func goldenUnionsAndIntersections(folder: Goldens.Folder) throws {
        let cases = try file(of: folder).merges
        #expect(!cases.isEmpty)
        for item in cases {
            let masks = try item.masks.map {
                try RunLengthMask(height: item.size[0], width: item.size[1], text: Array($0.utf8))
            }
            let first = try #require(masks.first)
            let union = masks.dropFirst().reduce(first) { $0.union($1) }
            let intersection = masks.dropFirst().reduce(first) { $0.intersection($1) }
            #expect(text(union) == item.union)
            #expect(text(intersection) == item.intersection)
            #expect(masks.map(\.area) == item.areas)
            #expect(masks.map(\.box).map(numbers) == item.boxes)
        }
    }
}
