import Foundation
import SelfPatchData
import TestSupport
import Testing

/// JPEGs as Pillow, OpenCV and torchvision decode them.
@Suite struct DecodingGoldens {
    private struct Cases: Decodable {
        let cases: [Case]
    }

    private struct Case: Decodable {
        struct Operation: Decodable {}
        struct Tolerance: Decodable {
            let max: Double
            let mean: Double
        }

        let name: String
        let input: String
        let operations: [Operation]
        let expected: String
        let tolerance: Tolerance
    }

    @Test(.requires(Goldens.of(.augment)), arguments: Goldens.folders(.augment))
    func decodedPicturesAreThoseOfTheField(folder: Goldens.Folder) throws {
        let cases = try folder.decode(Cases.self, from: "cases.json").cases.filter { $0.operations.isEmpty }
        for golden in cases {
            let found = try ImageFile.decode(path: folder.file(golden.input), channels: 3)
            let expected = try ImageFile.decode(path: folder.file(golden.expected), channels: 3)
            try #require(found.height == expected.height && found.width == expected.width, "\(golden.name)")
            let differences = zip(found.bytes, expected.bytes).map { abs(Double($0) - Double($1)) }
            let mean = differences.reduce(0, +) / Double(differences.count)
            let largest = differences.max() ?? 0
            #expect(largest <= golden.tolerance.max, "\(golden.name): up to \(largest) levels")
            #expect(mean <= golden.tolerance.mean, "\(golden.name): \(mean) levels on average")
        }
    }
}
