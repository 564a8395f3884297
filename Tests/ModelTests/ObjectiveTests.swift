import Foundation
import SelfPatchModel
import SelfPatchTensors
import Testing

@Suite struct StreamedCrossEntropyTests {
    /// One piece or many, kernel or tensor operations: the same loss and gradients.
    @Test(arguments: [1, 3, 7, 64]) func piecesDoNotMatter(rowsAtOnce: Int) throws {
        let generator = Generator(seed: 3)
        let (rows, width, prototypeCount) = (21, 12, 37)
        let bottlenecks = Tensor.normal([rows, width], using: generator).normalized()
        let prototypes = Tensor.normal([prototypeCount, width], using: generator)
        let targets = Tensor.normal([rows, prototypeCount], deviation: 3, using: generator).softmax()
        let (temperature, weight) = (0.1, 0.013)

        func loss(_ b: Tensor, _ w: Tensor) -> Tensor {
            let s = b.matmul(w.transposed()) * (1 / temperature)
            return -(targets * s.logSoftmax()).sum() * weight
        }
        func leaves() -> (Tensor, Tensor) {
            let (b, w) = (bottlenecks.clone(), prototypes.clone())
            b.requiresGradient = true
            w.requiresGradient = true
            return (b, w)
        }
        let (b, w) = leaves()
        (loss(b, w) * 0.7).backward()

        let (streamedB, streamedW) = leaves()
        let pieces = stride(from: 0, to: rows, by: rowsAtOnce).map { first in
            let range = first..<min(first + rowsAtOnce, rows)
            return StreamedCrossEntropy.Piece(rows: range, weight: weight, mass: 1) {
                targets.narrowed(to: range, dimension: 0)
            }
        }
        let streamed = StreamedCrossEntropy.loss(streamedB, streamedW, temperature: temperature, pieces)
        (streamed * 0.7).backward()
        #expect(abs(streamed.item() - loss(b, w).item()) < 1e-5)
        #expect(try difference(streamedB, b) < 1e-5)
        #expect(try difference(streamedW, w) < 1e-5)
    }

    /// A target of mass 2 that several views share.
    @Test func sharedTargetsOfAnyMass() {
        let generator = Generator(seed: 4)
        let products = Tensor.normal([6, 50], using: generator)
        let target = Tensor.normal([3, 50], using: generator).softmax() * 2.0
        let piece = StreamedCrossEntropy.Piece(rows: 0..<6, weight: 0.25, mass: 2) { target }
        let (loss, gradient) = StreamedCrossEntropy.lossAndGradientByOperations(products, target, piece, 0.1)
        let own = products.clone()
        let ownLoss = own.becomeCrossEntropyGradient(targets: target, temperature: 0.1, mass: 2, weight: 0.25)
        #expect(abs(ownLoss.item() - loss.item()) < 1e-4 * abs(loss.item()))
        #expect((own - gradient).magnitude().max().item() < 1e-5)
    }

    @Test func extremeLogitsStayFinite() {
        let products = Tensor([1000, -1000, 0, 5, -5, 3] as [Float], shape: [2, 3])
        let target = Tensor([1, 0, 0, 0, 0, 1] as [Float], shape: [2, 3])
        let loss = products.becomeCrossEntropyGradient(targets: target, temperature: 0.02, mass: 1, weight: 1).item()
        #expect(loss.isFinite && products.isFinite)
        #expect(abs(loss - 100) < 1e-3)  // (5 - 3) / 0.02 from the second row
    }

    private func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
        let (x, y) = (try #require(a.gradient), try #require(b.gradient))
        return (x - y).magnitude().max().item()
    }
}

@Suite struct CenterTests {
    @Test func movesByTheMeanOfAllParts() {
        let generator = Generator(seed: 5)
        let prototypes = Tensor.normal([9, 4], using: generator)
        let vectors = Tensor.normal([10, 4], using: generator)
        let start = Tensor.normal([9], using: generator)
        var center = Center(start)
        center.collect((vectors.narrowed(to: 0..<3, dimension: 0).sum(over: 0), 3), prototypes: prototypes)
        center.collect((vectors.narrowed(to: 3..<10, dimension: 0).sum(over: 0), 7), prototypes: prototypes)
        center.move(momentum: 0.9)
        let expected = start * 0.9 + vectors.matmul(prototypes.transposed()).mean(over: 0) * 0.1
        #expect((center.value - expected).magnitude().max().item() < 1e-6)
        let before = center.value.floats()
        center.move(momentum: 0.9)  // nothing collected
        #expect(center.value.floats() == before)
    }
}
