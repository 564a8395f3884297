import SelfPatchEvaluation
import SelfPatchLayers
import SelfPatchTensors
import Testing

@Suite struct LinearClassifierTests {
    private static func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
        Tensor.normal(shape, using: Generator(seed: seed))
    }

    private static func labels(_ count: Int, of classes: Int) -> [Int] { (0..<count).map { ($0 * 7 + 3) % classes } }

    /// Each classifier's steps are those of SGD on libtorch's own cross-entropy, computed one classifier at a time.
    @Test func stepsAreThoseOfPlainSGD() {
        let rates = [0.5, 0.02, 3]
        let bank = LinearClassifiers(width: 6, classCount: 4, rateCount: 3, momentum: 0.9, seed: 5, device: .cpu)
        let first = bank.weight.narrowed(to: 0..<4, dimension: 0).clone()
        let plain = rates.map { _ in (weight: first.clone(), bias: Tensor.zeros([4])) }
        var velocities = rates.map { _ in [Tensor.zeros([4, 6]), Tensor.zeros([4])] }
        for step in 0..<5 {
            let features = Self.random([9, 6], UInt64(step))
            let labels = Tensor(Self.labels(9, of: 4).map { ($0 + step) % 4 }, shape: [9])
            let share = 1 - Double(step) / 10
            let losses = bank.step(features, labels, rates: rates.map { $0 * share }).floats()
            for (place, parameters) in plain.enumerated() {
                let tensors = [parameters.weight, parameters.bias]
                for tensor in tensors {
                    tensor.gradient = nil
                    tensor.requiresGradient = true
                }
                let loss = features.linear(tensors[0], tensors[1]).crossEntropy(labels)
                loss.backward()
                #expect(abs(loss.item() - Double(losses[place])) < 1e-5)
                withoutGradients {
                    for (number, tensor) in tensors.enumerated() {
                        guard let gradient = tensor.gradient else { continue }
                        velocities[place][number] = velocities[place][number] * 0.9 + gradient
                        tensor.add(velocities[place][number], scale: -rates[place] * share)
                    }
                }
            }
        }
        for (place, parameters) in plain.enumerated() {
            let mine = bank.weight.narrowed(to: place * 4..<(place + 1) * 4, dimension: 0)
            #expect((mine - parameters.weight.detached()).magnitude().max().item() < 1e-5)
            let bias = bank.bias.narrowed(to: place * 4..<(place + 1) * 4, dimension: 0)
            #expect((bias - parameters.bias.detached()).magnitude().max().item() < 1e-5)
        }
    }

    /// A classifier among others is the classifier alone.
    @Test func classifiersDoNotTouchOneAnother() {
        let together = LinearClassifiers(width: 5, classCount: 3, rateCount: 2, seed: 1, device: .cpu)
        let alone = LinearClassifiers(width: 5, classCount: 3, rateCount: 1, seed: 1, device: .cpu)
        for step in 0..<4 {
            let features = Self.random([6, 5], UInt64(step))
            let labels = Tensor(Self.labels(6, of: 3), shape: [6])
            _ = together.step(features, labels, rates: [0.1, 1])
            _ = alone.step(features, labels, rates: [1])
        }
        let difference = (together.weight.narrowed(to: 3..<6, dimension: 0) - alone.weight).magnitude().max().item()
        #expect(difference < 1e-6)
    }

    @Test func scoresCountRanks() {
        var score = ClassificationScore(classCount: 7)
        // The second image's class is the sixth of seven, the third's shares the first place with a lower number.
        let logits: [Float] = [
            0, 1, 2, 3, 9, 5, 6, /**/ 7, 6, 5, 4, 3, 2, 1, /**/ 4, 0, 4, 0, 0, 0, 0,
        ]
        score.add(Tensor(logits, shape: [3, 7]), truth: [4, 5, 2])
        #expect(score.total == 3)
        #expect(abs(score.top1 - 100.0 / 3) < 1e-12 && abs(score.top5 - 200.0 / 3) < 1e-12)
        #expect(score.confusion[4 * 7 + 4] == 1 && score.confusion[5 * 7 + 0] == 1 && score.confusion[2 * 7 + 0] == 1)
        #expect(score.top1(of: 4) == 100 && score.top1(of: 5) == 0 && score.top1(of: 0) == nil)
        #expect(score.top5(of: 2) == 100 && score.top5(of: 5) == 0 && score.count(of: 5) == 1)
    }
}

@Suite struct ConfusionPictureTests {
    @Test(arguments: [2, 11, 35, 150]) func cellsShowTheirShares(classes: Int) {
        var counts = [Int](repeating: 0, count: classes * classes)
        for number in 0..<classes { counts[number * classes + number] = 3 }
        let picture = ConfusionPicture(title: "t", names: (0..<classes).map { "c\($0)" }, counts: counts).picture()
        // The brightest colour is on the diagonal, once a class at least, and the darkest beside it.
        var bright = 0
        for row in 40..<picture.height {
            for column in 0..<picture.width where picture[row, column] == HeatMap.color(at: 1) { bright += 1 }
        }
        #expect(bright >= classes)
        #expect(picture.width < 2_000 && picture.height < 2_000)
    }
}
