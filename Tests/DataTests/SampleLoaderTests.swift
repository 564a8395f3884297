import Foundation
import SelfPatchData
import SelfPatchFormats
import Testing

@Suite struct SampleLoaderTests {
    private struct Sample: Equatable, Sendable {
        let index: Int
        let planes: [UInt8]
    }

    private static func source(broken: Set<Int> = []) -> ImageSource {
        let generator = SceneGenerator(seed: 4)
        return ImageSource(
            count: 13, name: { "scene \($0)" },
            read: { index in
                if broken.contains(index) { throw UserError("broken") }
                return generator.scene(index).pixels
            }, skip: { _, _ in })
    }

    private static func batches(
        _ steps: Range<Int>, workers: Int, broken: Set<Int> = []
    ) throws -> [[Sample]] {
        let order = try MicroBatches(images: 13, batch: 4, seed: 8)
        let view = RandomCropView(ViewSize(height: 12, width: 16))
        let loader = SampleLoader(
            source: source(broken: broken), batches: order, workers: workers, step: steps.lowerBound
        ) { Sample(index: $1, planes: view.planes(of: $0, key: $2, scratch: $3)) }
        return try steps.map { _ in
            let (samples, names) = try loader.nextBatch()
            #expect(names == samples.map { "scene \($0.index)" })
            return samples
        }
    }

    @Test func workersAndStartsChangeNothing() throws {
        let all = try Self.batches(0..<9, workers: 1)
        #expect(try Self.batches(0..<9, workers: 3) == all)
        #expect(try Self.batches(5..<9, workers: 2) == Array(all[5...]))
        // An epoch of three steps shows twelve images once; the next epoch shows them otherwise.
        #expect(Set(all[0..<3].joined().map(\.index)).count == 12)
        let again = all[3..<9].joined().first { $0.index == all[0][0].index }
        #expect(try #require(again).planes != all[0][0].planes)
    }

    @Test func anotherSampleStandsInForABrokenOne() throws {
        let whole = try Self.batches(0..<3, workers: 2)
        let mended = try Self.batches(0..<3, workers: 2, broken: [whole[0][1].index])
        #expect(mended[0][1].index != whole[0][1].index)
        #expect(mended[0][0] == whole[0][0] && mended[0][2] == whole[0][2])
        // What cannot be read shows up under the name of what took its place: a label must follow the image.
        #expect(mended.joined().allSatisfy { $0.index != whole[0][1].index })
    }
}
