import SelfPatchTensors
import Testing

/// Attention of tokens to one another. Where a processor lacks the instructions for a kernel of ours, these hold libtorch's.
@Suite struct AttentionTests {
    /// Our kernel where there is one, forward and backward, against libtorch's in float64.
    @Test(arguments: [
        (2, 37, 3, 16), (3, 1, 2, 8), (1, 197, 1, 64), (2, 513, 2, 4), (1, 768, 1, 24), (2, 1_100, 2, 16),
        (1, 2_305, 1, 8),
    ])
    func selfAttentionIsThatOfFloat64(sizes: (images: Int, tokens: Int, heads: Int, each: Int)) {
        let (images, tokens, heads, each) = sizes
        let drawn = Tensor.normal(
            [images, tokens, 3 * heads * each], mean: 0, deviation: 2, using: Generator(seed: 5))
        func results(_ type: ElementType) -> [[Double]] {
            let leaf = drawn.cast(to: type).clone()
            leaf.requiresGradient = true
            let attended = leaf.selfAttention(heads: heads)
            (attended * attended).sum().backward()
            let alone = withoutGradients { leaf.selfAttention(heads: heads) }
            return [attended.doubles(), alone.doubles(), leaf.gradient?.doubles() ?? []]
        }
        for (single, double) in zip(results(.float32), results(.float64)) {
            #expect(single.count == double.count && !single.isEmpty)
            let scale = double.map(abs).max() ?? 0
            #expect(zip(single, double).allSatisfy { abs($0 - $1) <= 1e-5 * scale })
        }
    }

    /// Few and many tokens, odd numbers of them, and heads that do not begin at whole words: what libtorch makes in float64 of the
    /// same numbers, within bf16's error. That rounds by 1/512 at most, and queries, weights and results are rounded.
    @Test(arguments: [
        (2, 37, 3, 16), (3, 1, 2, 8), (2, 197, 2, 64), (1, 5, 2, 3), (2, 513, 2, 4), (1, 768, 1, 24), (1, 1_100, 2, 16),
    ])
    func selfAttentionInBf16IsThatOfFloat64(sizes: (images: Int, tokens: Int, heads: Int, each: Int)) throws {
        let (images, tokens, heads, each) = sizes
        let generator = Generator(seed: 6)
        let drawn = Tensor.normal(
            [images, tokens, 3 * heads * each], deviation: 1.5, using: generator
        ).cast(to: .bfloat16)
        let upstream = Tensor.normal([images, tokens, heads * each], using: generator).cast(to: .bfloat16)
        func results(_ type: ElementType) throws -> [Tensor] {
            let leaf = drawn.cast(to: type).clone()
            leaf.requiresGradient = true
            let attended = leaf.selfAttention(heads: heads)
            (attended * upstream.cast(to: type)).cast(to: .float64).sum().backward()
            let alone = withoutGradients { leaf.selfAttention(heads: heads) }
            return [attended.detached(), alone, try #require(leaf.gradient)]
        }
        for (short, exact) in zip(try results(.bfloat16), try results(.float64)) {
            #expect(short.elementType == .bfloat16 && short.shape == exact.shape)
            let differences = zip(short.doubles(), exact.doubles()).map { $0 - $1 }
            let scale = exact.doubles().map(abs).max() ?? 0
            #expect(differences.allSatisfy { abs($0) <= 0.01 * scale })
            func squares(_ numbers: [Double]) -> Double { numbers.map { $0 * $0 }.reduce(0, +) }
            #expect(squares(differences) <= 0.005 * 0.005 * squares(exact.doubles()))
        }
    }

    /// As a layer meets it: the product before it in bf16 by autocast, its weights and gradients in float32.
    @Test func selfAttentionLearnsUnderAutocast() throws {
        let generator = Generator(seed: 7)
        let tokens = Tensor.normal([2, 50, 32], using: generator)
        let weight = Tensor.normal([96, 32], deviation: 0.3, using: generator)
        func gradients(_ precision: Precision) throws -> [Tensor] {
            let leaves = [tokens.clone(), weight.clone()]
            for leaf in leaves { leaf.requiresGradient = true }
            let attended = precision.run(on: .cpu) { leaves[0].linear(leaves[1], nil).selfAttention(heads: 2) }
            #expect(attended.elementType == (precision == .bf16 ? .bfloat16 : .float32))
            (attended.cast(to: .float32) * tokens).sum().backward()
            return try leaves.map { try #require($0.gradient) }
        }
        for (short, exact) in zip(try gradients(.bf16), try gradients(.float32)) {
            #expect(short.elementType == .float32)
            #expect((short - exact).magnitude().max().item() <= 0.03 * exact.magnitude().max().item())
        }
    }

    @Test(arguments: [ElementType.float32, .bfloat16], [45, 600])
    func anyNumberOfThreadsAttendsAlike(_ type: ElementType, tokens: Int) {
        let generator = Generator(seed: 8)
        let drawn = Tensor.normal([3, tokens, 3 * 24], using: generator).cast(to: type)
        func run(threads: Int) -> [[Double]] {
            let before = Libtorch.threadCount
            Libtorch.threadCount = threads
            defer { Libtorch.threadCount = before }
            let leaf = drawn.clone()
            leaf.requiresGradient = true
            let attended = leaf.selfAttention(heads: 3)
            (attended * attended).sum().backward()
            return [attended.doubles(), leaf.gradient?.doubles() ?? []]
        }
        let one = run(threads: 1)
        #expect(!one[1].isEmpty && run(threads: 2) == one && run(threads: 3) == one)
    }

    /// What is no number must come through, for a run's health is seen by it.
    @Test(arguments: [ElementType.float32, .bfloat16], [4, 600])
    func whatIsNoNumberStaysNone(_ type: ElementType, tokens: Int) {
        var numbers = [Float](repeating: 0.5, count: tokens * 3 * 8)
        numbers[16] = .nan
        let attended = Tensor(numbers, shape: [1, tokens, 24]).cast(to: type).selfAttention(heads: 1).doubles()
        for token in 0..<tokens {
            #expect(attended[token * 8].isNaN && abs(attended[token * 8 + 1] - 0.5) < 0.01)
        }
    }
}
