import Foundation
import SelfPatchTensors
import Testing

/// Choosing and ordering: what ties do, and where gradients go.
@Suite struct PickingTests {
    @Test func equalOnesComeInTheirOrder() {
        let x = Tensor([1, 3, 3, 0, 3, 1, 1, 1, 0, 1] as [Float], shape: [2, 5])
        let highest = x.highest(4)
        #expect(highest.values.floats() == [3, 3, 3, 1, 1, 1, 1, 1])
        #expect(highest.indices.integers() == [1, 2, 4, 0, 0, 1, 2, 4])
        #expect(x.highest(9, dimension: 0).indices.shape == [2, 5])
        let sorted = Tensor([2, 1, 2, 1] as [Float], shape: [4]).sorted(descending: true)
        #expect(sorted.indices.integers() == [0, 2, 1, 3])
    }

    /// Many equal ones, where an unstable order would show.
    @Test func tiesStayInOrderAmongMany() {
        let x = Tensor((0..<5000).map { Float($0 % 3) }, shape: [5000])
        let expected = (0..<5000).filter { $0 % 3 == 2 } + (0..<5000).filter { $0 % 3 == 1 }
        #expect(x.highest(3000).indices.integers() == Array(expected.prefix(3000)))
    }

    @Test func mapsAreFilledUpAndFlipped() {
        let x = Tensor([1, 2, 8, 10] as [Float], shape: [4])
        #expect(x.reshaped(to: [1, 1, 2, 2]).padded([0, 1, 0, 1]).floats() == [1, 2, 0, 8, 10, 0, 0, 0, 0])
        #expect(x.reshaped(to: [2, 2]).flipped([1]).floats() == [2, 1, 10, 8])
    }

    @Test func lossesOfEachAreThoseOfTheirFormula() {
        let logits = Tensor([-2, 0, 3, 40, -40, 0.5] as [Float], shape: [2, 3])
        let targets = Tensor([0, 1, 0.25, 1, 1, 0] as [Float], shape: [2, 3])
        let expected = zip(logits.doubles(), targets.doubles()).map { x, t in
            max(x, 0) - x * t + Foundation.log1p(Foundation.exp(-abs(x)))
        }
        let binary = logits.binaryCrossEntropies(targets).doubles()
        #expect(zip(binary, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        // By differences.
        func loss(_ x: Tensor) -> Tensor {
            (x.binaryCrossEntropies(targets.cast(to: .float64)) * 0.3).sum()
        }
        let leaf = logits.cast(to: .float64).clone()
        leaf.requiresGradient = true
        loss(leaf).backward()
        for place in 0..<6 {
            let step = Tensor((0..<6).map { $0 == place ? 1e-5 : 0.0 }, shape: [2, 3])
            let plain = leaf.detached()
            let difference = (loss(plain + step).item() - loss(plain - step).item()) / 2e-5
            #expect(abs(difference - (leaf.gradient?.doubles()[place] ?? .nan)) < 1e-6)
        }
    }
}
