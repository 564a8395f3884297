import SelfPatchFormats
import SelfPatchTensors
import Testing

@Suite struct TensorTests {
    @Test func arithmeticBroadcasts() {
        let a = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        let b = Tensor([10, 20, 30] as [Float], shape: [3])
        #expect((a + b).floats() == [11, 22, 33, 14, 25, 36])
        #expect((2 - a).floats() == [1, 0, -1, -2, -3, -4])
        #expect(a.matmul(b.reshaped(to: [3, 1])).floats() == [140, 320])
        #expect(a.sum(over: 1).floats() == [6, 15])
        #expect(a.mean().item() == 3.5)
        #expect(a.rolled([1], dimensions: [1]).floats() == [3, 1, 2, 6, 4, 5])
    }

    @Test func gradientsArriveAtLeaves() {
        let x = Tensor([1, 2, 3] as [Float], shape: [3])
        x.requiresGradient = true
        (x * x).sum().backward()
        #expect(x.gradient?.floats() == [2, 4, 6])
        x.gradient = nil
        #expect(x.gradient == nil)
    }

    @Test func aValueCanCarryItsOwnGradients() {
        let x = Tensor([1, 2] as [Float], shape: [2])
        x.requiresGradient = true
        let y = x * 3.0
        let value = Tensor.full([], value: 7).withGradients([
            (of: y, is: Tensor([0.5, -1] as [Float], shape: [2]))
        ])
        #expect(value.item() == 7)
        (value * 2.0).backward()
        #expect(x.gradient?.floats() == [3, -6])
    }

    /// Made twice, with the gradients of what was made once; nothing of it outlives the backward.
    @Test func recomputedValuesHaveTheSameGradients() {
        final class Calls { var count = 0 }
        let calls = Calls()
        weak var held: Calls?
        do {
            let weight = Tensor([2, -1] as [Float], shape: [2])
            weight.requiresGradient = true
            let x = Tensor([1, 2] as [Float], shape: [2])
            x.requiresGradient = true
            let closed = Calls()
            held = closed
            let y = (x * 3.0).recomputed {
                calls.count += 1
                closed.count += 1
                return ($0 * $0 * weight).recomputed { $0 * 1.0 }
            }
            #expect(y.floats() == [18, -36] && calls.count == 1)
            (y * 0.5).sum().backward()
            #expect(calls.count == 2)
            #expect(x.gradient?.floats() == [18, -18] && weight.gradient?.floats() == [4.5, 18])
            // Without gradients it runs as if alone.
            #expect(withoutGradients { (weight * 1.0).recomputed { $0 + 1.0 } }.floats() == [3, 0])
        }
        #expect(held == nil)
    }

    /// The backward's copy of a weight in bf16 is gone when the weight changes.
    @Test func recomputingKeepsNoOldWeights() {
        let weight = Tensor.ones([3, 2])
        weight.requiresGradient = true
        let x = Tensor.ones([1, 2])
        x.requiresGradient = true
        let y = Precision.bf16.run(on: .cpu) { x.recomputed { $0.linear(weight, nil) } }
        y.sum().backward()
        weight.fill(with: 5)
        #expect(Precision.bf16.run(on: .cpu) { x.linear(weight, nil) }.floats() == [10, 10, 10])
    }

    /// Whichever library makes them: products and linear maps, forward and backward, against the same in float64.
    @Test(arguments: [(40, 48, 64), (300, 33, 70), (1, 512, 256), (3, 5, 7)])
    func productsAreThoseOfFloat64(sizes: (rows: Int, inputs: Int, outputs: Int)) {
        let generator = Generator(seed: 3)
        func drawn(_ shape: [Int]) -> Tensor { .normal(shape, mean: 0, deviation: 1, using: generator) }
        func near(_ a: Tensor, _ b: Tensor) -> Bool {
            let (mine, theirs) = (a.doubles(), b.doubles())
            let scale = theirs.map(abs).max() ?? 0
            return zip(mine, theirs).allSatisfy { abs($0 - $1) <= 2e-6 * scale }
        }
        let (rows, inputs, outputs) = sizes
        let tall = drawn([inputs, rows]), x = drawn([2, rows, inputs]), w = drawn([outputs, inputs]),
            b = drawn([outputs])
        let exact = tall.cast(to: .float64).transposed().matmul(w.cast(to: .float64).transposed())
        #expect(near(tall.transposed().matmul(w.transposed()), exact))
        let sum = Tensor.ones([rows, outputs])
        sum.addProduct(tall.transposed(), w.transposed())
        #expect(near(sum, exact + 1.0))

        func gradients(_ type: ElementType) -> [Tensor] {
            let leaves = [x, w, b].map { $0.cast(to: type).clone() }
            for leaf in leaves { leaf.requiresGradient = true }
            // A permuted input and a permuted gradient.
            let y = leaves[0].transposed(0, 1).linear(leaves[1], leaves[2]).transposed(0, 1)
            (y * y).sum().backward()
            return [y] + leaves.compactMap(\.gradient)
        }
        for (single, double) in zip(gradients(.float32), gradients(.float64)) { #expect(near(single, double)) }
    }

    @Test func modesEndWithTheirClosure() {
        let x = Tensor.ones([2])
        x.requiresGradient = true
        #expect(withoutGradients { (x * 2.0).requiresGradient } == false)
        #expect((x * 2.0).requiresGradient)
        let product = Precision.bf16.run(on: .cpu) {
            x.detached().reshaped(to: [1, 2]).linear(Tensor.ones([3, 2]), nil)
        }
        #expect(product.elementType == .bfloat16)
        #expect(x.detached().reshaped(to: [1, 2]).linear(Tensor.ones([3, 2]), nil).elementType == .float32)
    }

    /// Arrays of handles are freed early in release builds only, so this test matters there.
    @Test func temporariesLiveUntilTheCallIsOver() {
        for round in 0..<200 {
            let parts = (0..<20).map { Tensor.full([64], value: Double($0 + round)) }
            let all = Tensor.concatenated(parts.map { $0 + 1.0 })
            #expect(all.sum().item() == (0..<20).reduce(0.0) { $0 + Double(64 * ($1 + round + 1)) })
            let norms = TensorList.norms((0..<5).map { Tensor.full([4], value: Double($0)) })
            #expect(norms.floats() == [0, 2, 4, 6, 8])
        }
    }

    @Test func generatorsRepeat() {
        let a = Tensor.normal([100], using: Generator(seed: 7))
        let b = Tensor.normal([100], using: Generator(seed: 7))
        let c = Tensor.normal([100], using: Generator(seed: 8))
        #expect(a.floats() == b.floats())
        #expect(a.floats() != c.floats())
    }

    @Test func wrongShapesTrapNamingBoth() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Tensor.zeros([2, 3]) + Tensor.zeros([2, 4])
        }
        let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(message.contains("add of [2, 3] and [2, 4]"))
    }

    @Test func adamWMatchesItsFormula() {
        let (rate, beta1, beta2, decay, epsilon) = (0.1, 0.9, 0.999, 0.04, 1e-8)
        var w = 1.5, m = 0.0, v = 0.0
        let weight = Tensor.full([1], value: w), first = Tensor.zeros([1]), second = Tensor.zeros([1])
        for (index, g) in [0.3, -0.2, 0.7].enumerated() {
            let t = Double(index + 1)
            TensorList.adamW(
                weights: [weight], gradients: [Tensor.full([1], value: g)], firstMoments: [first],
                secondMoments: [second],
                steps: [Tensor.full([1], value: t)], rate: rate, beta1: beta1, beta2: beta2, decay: decay,
                epsilon: epsilon)
            w *= 1 - rate * decay
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            w -= rate / (1 - power(beta1, t)) * m / ((v.squareRoot() / (1 - power(beta2, t)).squareRoot()) + epsilon)
        }
        #expect(abs(weight.item() - w) < 1e-6)
    }

    private func power(_ base: Double, _ exponent: Double) -> Double {
        (0..<Int(exponent)).reduce(1.0) { p, _ in p * base }
    }
}
