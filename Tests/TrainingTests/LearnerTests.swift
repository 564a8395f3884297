import SelfPatchLayers
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import Testing

/// Laws of the training step that hold for every setting. The numbers themselves are the goldens' affair.
@Suite struct LearnerTests {
    private static func settings(_ change: (inout Learner.Settings) -> Void = { _ in }) -> Learner.Settings {
        var settings = Learner.Settings(
            architecture: Architecture(
                width: 24, depth: 3, heads: 3, patchSize: 4, positionGrid: Grid(rows: 5, columns: 5)),
            heads: HeadSizes(imagePrototypes: 40, patchPrototypes: 30, hiddenWidth: 32, bottleneck: 16),
            objective: ObjectiveSettings(), localViewCount: 3, dropPath: 0.4, seed: 9)
        change(&settings)
        return settings
    }

    private static let rates = Rates(
        learningRate: 1e-3, weightDecay: 0.1, teacherMomentum: 0.9, imageTemperature: 0.04, patchTemperature: 0.05,
        lastLayerIsFrozen: false)

    /// Four images' views in parts of the given sizes.
    private static func parts(_ sizes: [Int], localViews: Int = 3) -> [BatchPart] {
        let global = Tensor.normal([2, 4, 3, 20, 20], using: Generator(seed: 1))
        let local = Tensor.normal([max(localViews, 1), 4, 3, 12, 8], using: Generator(seed: 2))
        var start = 0
        return sizes.map { size in
            let samples = start..<start + size
            start += size
            func group(_ views: Tensor, _ first: Int) -> Views {
                let chosen = views.narrowed(to: samples, dimension: 1)
                return Views(
                    pixels: chosen.reshaped(to: [-1] + Array(views.shape.dropFirst(2))),
                    numbers: first..<first + views.size(0), samples: samples)
            }
            return BatchPart([group(global, 0)] + (localViews > 0 ? [group(local, 2)] : []))
        }
    }

    private static func gradients(_ settings: Learner.Settings, _ sizes: [Int]) -> [String: Tensor] {
        let learner = Learner(settings, device: .cpu)
        _ = learner.gradients(of: parts(sizes, localViews: settings.localViewCount), rates, number: 7)
        let present = learner.optimizer.groups.trained.compactMap { parameter in
            parameter.tensor.gradient.map { (parameter.name, $0) }
        }
        return Dictionary(uniqueKeysWithValues: present)
    }

    /// Parts, views in turn, activations made twice, drop path, a share of the patches: the same gradients of the whole batch, for every objective.
    @Test(arguments: [0, 1, 2, 3, 4])
    func partsAndTurnsDoNotMatter(_ variant: Int) throws {
        func settings(inTurn: Bool) -> Learner.Settings {
            Self.settings {
                $0.viewsInTurn = inTurn
                $0.checkpointsActivations = inTurn
                switch variant {
                case 1: $0.objective.patchShare = 0.4
                case 2: $0.objective.patchViews = .global
                case 3: $0.objective.patchWeight = 0
                case 4: ($0.objective.border, $0.objective.window, $0.objective.positiveCount) = (.inside, 5, 9)
                default: break
                }
            }
        }
        let whole = Self.gradients(settings(inTurn: false), [4])
        let largest = whole.values.map { $0.magnitude().max().item() }.max() ?? 0
        for (inTurn, sizes) in [(false, [2, 2]), (false, [1, 3]), (true, [4]), (true, [1, 1, 1, 1])] {
            let others = Self.gradients(settings(inTurn: inTurn), sizes)
            #expect(Set(others.keys) == Set(whole.keys))
            for (name, gradient) in whole {
                let other = try #require(others[name])
                let difference = (gradient - other).magnitude().max().item()
                #expect(
                    difference <= 1e-4 * gradient.magnitude().max().item() + 1e-6 * largest, "\(name), parts \(sizes)")
            }
        }
    }

    /// The teacher's distributions are summed over parts, once each; a part of one image has no other to be alike.
    @Test(arguments: [(false, [1, 3]), (true, [4]), (true, [1, 1, 1, 1])])
    func partsAndTurnsShowTheSameSigns(inTurn: Bool, sizes: [Int]) throws {
        func report(inTurn: Bool, _ sizes: [Int]) throws -> StepReport {
            let learner = Learner(Self.settings { $0.viewsInTurn = inTurn }, device: .cpu)
            return try learner.step(Self.parts(sizes), Self.rates, number: 7, watched: true)
        }
        let (whole, other) = (try report(inTurn: false, [4]), try report(inTurn: inTurn, sizes))
        for signs in [\StepReport.imageSigns, \.patchSigns] {
            let (a, b) = (try #require(whole[keyPath: signs]), try #require(other[keyPath: signs]))
            #expect(a.information > 0.001)
            for value in [\Signs.Distribution.entropy, \.meanEntropy, \.divergence] {
                #expect(abs(a[keyPath: value] - b[keyPath: value]) < 1e-5)
            }
        }
        #expect((other.likeness?.images == nil) == (sizes[0] == 1))
        #expect(other.likeness?.patches != nil)
    }

    @Test func dropPathDropsItsShareAndRepeats() {
        let rows = (0..<2000).map { DropPath.Row(sample: $0, view: 1) }
        let path = DropPath(rate: 0.3, depth: 4, seed: 1, step: 5, rows: rows)
        let branch = Tensor.ones([2000, 1, 1])
        let zero = Tensor.zeros([2000, 1, 1])
        #expect(path.adding(branch, to: zero, block: 0, .mlp).floats().allSatisfy { $0 == 1 })
        let last = path.adding(branch, to: zero, block: 3, .mlp).floats()
        let dropped = last.count { $0 == 0 }
        #expect((500...700).contains(dropped))  // 600 expected, deviation 20
        #expect(last.allSatisfy { $0 == 0 || abs($0 - 1 / 0.7) < 1e-6 })
        #expect(last == path.adding(branch, to: zero, block: 3, .mlp).floats())
        #expect(last != path.adding(branch, to: zero, block: 3, .attention).floats())
    }

    /// The baseline has no patch head, and its centre runs over the global views alone.
    @Test func theBaselineIsDINO() throws {
        let learner = Learner(Self.settings { $0.objective.patchWeight = 0 }, device: .cpu)
        #expect(!learner.student.parameters.contains { $0.name.hasPrefix("p_head") })
        #expect(learner.objective.patchCenter == nil)
        let part = Self.parts([4])[0]
        let summary = learner.teacher.features(of: part.groups[0].pixels).imageSummary
        let head = try #require(learner.teacher.imageHead)
        let mean = head.bottleneck(summary).matmul(head.prototypes().transposed()).mean(over: 0).detached()
        let report = try learner.step([part], Self.rates, number: 0)
        #expect(report.patchLoss == 0 && report.loss == report.imageLoss)
        #expect((learner.objective.imageCenter.value - mean * 0.1).magnitude().max().item() < 1e-6)
    }

    @Test func noLocalViewsAtAll() throws {
        let learner = Learner(Self.settings { $0.localViewCount = 0 }, device: .cpu)
        let report = try learner.step(Self.parts([4], localViews: 0), Self.rates, number: 0, watched: true)
        #expect(report.isFinite && report.patchLoss > 0)
        #expect(report.imageSigns != nil && report.patchSigns != nil && report.likeness != nil)
    }

    @Test func aStepThatIsNoNumberChangesNothing() throws {
        let learner = Learner(Self.settings(), device: .cpu)
        let before = learner.state.map { $0.tensor.floats() }
        var part = Self.parts([4])[0]
        let poisoned = part.groups[0].pixels.clone()
        poisoned.narrowed(to: 3..<4, dimension: 0).fill(with: .nan)
        part = BatchPart([Views(pixels: poisoned, numbers: 0..<2, samples: 0..<4)] + part.groups.dropFirst())
        #expect(throws: NonFiniteStep.self) { try learner.step([part], Self.rates, number: 0) }
        #expect(learner.state.map { $0.tensor.floats() } == before)
        #expect(learner.optimizer.counters.allSatisfy { $0 == 0 })
        #expect(try learner.step(Self.parts([4]), Self.rates, number: 0).isFinite)
    }

    @Test func frozenLastLayersStandStill() throws {
        let learner = Learner(Self.settings(), device: .cpu)
        var rates = Self.rates
        rates.lastLayerIsFrozen = true
        let before = Dictionary(uniqueKeysWithValues: learner.student.parameters.map { ($0.name, $0.tensor.floats()) })
        _ = try learner.step(Self.parts([4]), rates, number: 0)
        for (place, parameter) in learner.optimizer.groups.trained.enumerated() {
            let isLast = parameter.name.contains("last_layer")
            #expect((parameter.tensor.floats() == before[parameter.name]) == isLast, "\(parameter.name)")
            #expect(learner.optimizer.counters[place] == (isLast ? 0 : 1))
        }
    }

    @Test func twoLearnersOfOneSeedAgreeBitForBit() throws {
        func run() throws -> [[Float]] {
            let learner = Learner(Self.settings(), device: .cpu)
            for step in 0..<3 { _ = try learner.step(Self.parts([2, 2]), Self.rates, number: step) }
            return learner.state.map { $0.tensor.floats() }
        }
        #expect(try run() == run())
    }
}
