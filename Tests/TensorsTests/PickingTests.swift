import Foundation
import SelfPatchTensors
import Testing

/// Choosing, ordering and assembling: what ties do, and where gradients go.
@Suite struct PickingTests {
    @Test func equalOnesComeInTheirOrder() {
        let x = Tensor([1, 3, 3, 0, 3, 1, 1, 1, 0, 1] as [Float], shape: [2, 5])
        let highest = x.highest(4)
        #expect(highest.values.floats() == [3, 3, 3, 1, 1, 1, 1, 1])
        #expect(highest.indices.integers() == [1, 2, 4, 0, 0, 1, 2, 4])
        #expect(x.highest(9, dimension: 0).indices.shape == [2, 5])
        let largest = x.largest(over: 1)
        #expect(largest.values.floats() == [3, 1] && largest.indices.integers() == [1, 0])
        #expect(x.largest(over: 0).indices.integers() == [0, 0, 0, 0, 0])
        let sorted = Tensor([2, 1, 2, 1] as [Float], shape: [4]).sorted(descending: true)
        #expect(sorted.indices.integers() == [0, 2, 1, 3])
    }

    /// Many equal ones, where an unstable order would show.
    @Test func tiesStayInOrderAmongMany() {
        let x = Tensor((0..<5000).map { Float($0 % 3) }, shape: [5000])
        let expected = (0..<5000).filter { $0 % 3 == 2 } + (0..<5000).filter { $0 % 3 == 1 }
        #expect(x.highest(3000).indices.integers() == Array(expected.prefix(3000)))
        #expect(x.largest(over: 0).indices.item() == 2)
    }

    @Test func masksNameRows() {
        let mask = Tensor([false, true, true, false, true], shape: [5])
        #expect(mask.trueIndices().integers() == [1, 2, 4])
        #expect(mask.not.and(mask).trueIndices().shape == [0])
        let x = Tensor((0..<10).map(Float.init), shape: [5, 2])
        #expect(x.rows(where: mask).floats() == [2, 3, 4, 5, 8, 9])
        #expect(x.rows(where: mask.not.and(mask)).shape == [0, 2])
        #expect(mask.all().item() == 0 && mask.any().item() == 1)
        #expect(Tensor([1, 2, 2] as [Float], shape: [3]).differs(from: 2).booleans() == [true, false, false])
        #expect((Tensor([1, 2, 3] as [Float], shape: [3]) <= 2).booleans() == [true, true, false])
    }

    @Test func assembledRowsPassTheirGradientsOn() {
        let base = Tensor.zeros([4, 2]), part = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
        base.requiresGradient = true
        part.requiresGradient = true
        let joined = base.replacingRows(part, at: Tensor([3, 1], shape: [2]))
        #expect(joined.floats() == [0, 0, 3, 4, 0, 0, 1, 2])
        (joined * Tensor((1...8).map(Float.init), shape: [4, 2])).sum().backward()
        #expect(base.gradient?.floats() == [1, 2, 0, 0, 5, 6, 0, 0] && part.gradient?.floats() == [7, 8, 3, 4])
        let scattered = Tensor.zeros([2, 3]).scattering(
            Tensor([5, 6] as [Float], shape: [2, 1]), at: Tensor([2, 0], shape: [2, 1]), dimension: 1)
        #expect(scattered.floats() == [0, 0, 5, 6, 0, 0])
    }

    @Test func arithmeticOfBoxes() {
        let x = Tensor([1, 2, 8, 10] as [Float], shape: [4])
        #expect(Tensor([0.5, 1, 8, 1024] as [Float], shape: [4]).log2().floats() == [-1, 0, 3, 10])
        let low = Tensor([2, 0, 0, 0] as [Float], shape: [4]), high = Tensor([5, 1, 9, 4] as [Float], shape: [4])
        #expect(x.clamped(low, high).floats() == [2, 1, 8, 4])
        #expect(x.reshaped(to: [1, 1, 2, 2]).padded([0, 1, 0, 1]).floats() == [1, 2, 0, 8, 10, 0, 0, 0, 0])
        #expect(x.reshaped(to: [2, 2]).flipped([1]).floats() == [2, 1, 10, 8])
    }

    @Test func lossesOfEachAreThoseOfTheirFormulas() {
        let logits = Tensor([-2, 0, 3, 40, -40, 0.5] as [Float], shape: [2, 3])
        let targets = Tensor([0, 1, 0.25, 1, 1, 0] as [Float], shape: [2, 3])
        let expected = zip(logits.doubles(), targets.doubles()).map { x, t in
            max(x, 0) - x * t + Foundation.log1p(Foundation.exp(-abs(x)))
        }
        let binary = logits.binaryCrossEntropies(targets).doubles()
        #expect(zip(binary, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        let labels = Tensor([2, 0], shape: [2])
        let each = logits.crossEntropies(labels).doubles()
        let rows = logits.logSoftmax().doubles()
        #expect(abs(each[0] + rows[2]) < 1e-6 && abs(each[1] + rows[3]) < 1e-6)
        #expect(abs(logits.crossEntropies(labels).mean().item() - logits.crossEntropy(labels).item()) < 1e-6)
        #expect(logits.crossEntropies(Tensor([2, -100], shape: [2])).floats()[1] == 0)
        // By differences.
        func loss(_ x: Tensor) -> Tensor {
            (x.binaryCrossEntropies(targets.cast(to: .float64)) * 0.3).sum() + (x.crossEntropies(labels) * 2.0).sum()
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
