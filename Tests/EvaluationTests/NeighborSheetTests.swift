import SelfPatchData
import SelfPatchEvaluation
import SelfPatchModel
import SelfPatchTensors
import Testing

struct NeighborSheetTests {
    /// A network that has not learnt still matches; what is drawn is what training would choose.
    @Test(arguments: [Border.wrap, .inside]) func showsWhatMatchingChooses(border: Border) {
        let architecture = Architecture(
            width: 32, depth: 2, heads: 2, patchSize: 8, positionGrid: Grid(rows: 6, columns: 9))
        let network = Network(architecture, heads: nil, seed: 1, device: .cpu)
        let size = ViewSize(height: 48, width: 72)
        var generator = KeyedGenerator(3)
        let planes = (0..<3 * size.pixels).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        var settings = ObjectiveSettings()
        settings.border = border
        let sheet = NeighborSheet(
            planes: planes, size: size, network: network, normalization: .imageNet, settings: settings,
            key: SampleKey(seed: 0, epoch: 0, index: 0))

        let grid = Grid(rows: 6, columns: 9)
        let matching = PositiveMatching(
            window: NeighborWindow(side: 3, border: border, grid: grid), positiveCount: 4, device: .cpu)
        let bytes = Tensor(planes, shape: [1, 3, 48, 72])
        let tokens = network.features(of: ViewNormalization.imageNet(bytes)).patches
        let positives = matching.positives(for: tokens).integers()
        #expect(sheet.choices.count > 2)
        for choice in sheet.choices {
            let near = matching.window.candidates[choice.patch].count
            let expected = Array(positives[choice.patch * 4..<choice.patch * 4 + min(4, near)])
            #expect(choice.positives == expected)
            #expect(choice.cosines == choice.cosines.sorted(by: >))
        }
        let picture = sheet.picture()
        #expect(picture.width >= 6 * 72 && picture.height >= 6 * 48)
    }
}
