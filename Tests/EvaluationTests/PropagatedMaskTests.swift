import SelfPatchData
import SelfPatchEvaluation
import SelfPatchTensors
import Testing

@Suite struct PropagatedMaskTests {
    private let grid = Grid(rows: 2, columns: 3)

    private func map(_ rows: [[Float]], patchSize: Int = 4) -> Pixels {
        let shares = Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
        return PropagatedMask.map(of: shares, grid: grid, patchSize: patchSize)
    }

    @Test func masksComeBackFromTheirPatches() {
        var mask = Pixels(height: 8, width: 12, channels: 1, bytes: [UInt8](repeating: 0, count: 96))
        for row in 0..<8 { for column in 4..<12 { mask.bytes[row * 12 + column] = row < 4 ? 1 : 3 } }
        let labels = PropagatedMask.labels(of: mask, grid: grid)
        #expect(labels.shape == [6, 4], "background, and up to object 3")
        #expect(labels.argMax(over: 1).integers() == [0, 1, 1, 0, 3, 3])
        let again = PropagatedMask.map(of: labels, grid: grid, patchSize: 4)
        #expect(again.height == 8 && again.width == 12)
        #expect(again == mask)
    }

    /// An object that is faint everywhere is stretched to full strength; one that is nowhere stays at nothing.
    @Test func presentObjectsAreStretched() {
        let faint = map([[0.99, 0.01, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
        #expect(faint.bytes[0] == 1 && faint.bytes[11] == 0 && !faint.bytes.contains(2))
        let equal = map([[0.5, 0.5], [1, 0], [0, 1], [1, 0], [1, 0], [1, 0]])
        #expect(equal.bytes[0] == 0, "of two equal ones the lower number")
    }

    /// A share that is the same everywhere becomes 0 / 0 in the script, which its arg-max takes.
    @Test func flatSharesWin() {
        #expect(Set(map([[Float]](repeating: [1, 0], count: 6)).bytes) == [0])
        #expect(Set(map([[Float]](repeating: [0, 0.5], count: 6)).bytes) == [1])
        #expect(Set(map([[Float]](repeating: [0, 0], count: 6)).bytes) == [0])
    }

    @Test func overlaysPaintObjectsAlone() {
        let frame = Pixels(height: 3, width: 4, channels: 1, bytes: [UInt8](repeating: 100, count: 12))
        let mask = Pixels(height: 3, width: 4, channels: 1, bytes: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
        let painted = MaskOverlay.painted(frame: frame, mask: mask)
        func pixel(_ place: Int) -> [UInt8] { Array(painted.bytes[3 * place..<3 * place + 3]) }
        #expect(pixel(0) == [100, 100, 100])
        #expect(pixel(5) == [128, 0, 0], "a border")
        #expect(pixel(11) == [114, 50, 50], "inside")
        #expect(MaskOverlay.chosen(of: 3) == [0, 1, 2])
        #expect(MaskOverlay.chosen(of: 25) == [0, 3, 6, 10, 13, 17, 20, 24])
        let nothing = MaskOverlay(title: "nothing").picture()
        #expect(nothing?.width == nil)
    }
}
