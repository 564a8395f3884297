import Foundation
import SelfPatchModel
import SelfPatchTensors
import Testing

/// Networks of other origins: class token, registers, final norm.
@Suite struct PrefixTokenTests {
    static func architecture(
        classToken: Bool, registers: Int, _ norm: Architecture.FinalNorm, _ summary: Architecture.ImageSummary
    ) -> Architecture {
        Architecture(
            width: 24, depth: 2, heads: 3, hiddenWidth: 50, patchSize: 4, positionGrid: Grid(rows: 5, columns: 5),
            hasClassToken: classToken, registerCount: registers, finalNorm: norm, imageSummary: summary)
    }

    static let architectures = [
        architecture(classToken: true, registers: 0, .tokens, .classToken),
        architecture(classToken: true, registers: 3, .tokens, .meanPatch),
        architecture(classToken: false, registers: 2, .pooled, .meanPatch),
        architecture(classToken: true, registers: 1, .none, .aggregation),
        architecture(classToken: false, registers: 0, .none, .meanPatch),
    ]

    @Test(arguments: architectures) func featuresHaveTheirPlaces(_ architecture: Architecture) throws {
        let network = Network(architecture, heads: nil, seed: 1, device: .cpu)
        let views = Tensor.normal([2, 3, 12, 20], using: Generator(seed: 2))
        let features = network.features(of: views)
        #expect(features.patches.shape == [2, 15, 24] && features.imageSummary.shape == [2, 24])
        #expect(features.classToken?.shape == (architecture.hasClassToken ? [2, 24] : nil))
        #expect(
            features.registers?.shape == (architecture.registerCount > 0 ? [2, architecture.registerCount, 24] : nil))
        #expect((network.aggregation != nil) == (architecture.imageSummary == .aggregation))
        switch architecture.imageSummary {
        case .classToken: #expect(features.imageSummary.floats() == features.classToken?.floats())
        case .meanPatch where architecture.finalNorm != .pooled:
            #expect(features.imageSummary.floats() == features.meanPatch.floats())
        default: #expect(features.imageSummary.floats() != features.meanPatch.floats())
        }
        // New norms have gain 1 and bias 0: what went through one has mean 0 and deviation 1.
        let normed = architecture.finalNorm == .pooled ? features.imageSummary : features.patches
        let isNormed =
            abs((normed * normed).mean(over: -1).max().item() - 1) < 1e-3
            && normed.mean(over: -1).magnitude().max().item() < 1e-5
        #expect(isNormed == (architecture.finalNorm != .none))
        // Levels are patches, before any norm.
        let levels = withoutGradients { network.backbone.levels([0, 1, 1], of: views) }
        #expect(levels.map(\.shape) == [[2, 15, 24], [2, 15, 24], [2, 15, 24]])
        #expect(levels[1].floats() == levels[2].floats() && levels[0].floats() != levels[1].floats())
        #expect((levels[1].floats() == features.patches.floats()) == (architecture.finalNorm != .tokens))
    }

    /// Prefix tokens take part in attention: changing one changes the patches.
    @Test func patchesSeeThePrefix() throws {
        let network = Network(Self.architectures[1], heads: nil, seed: 1, device: .cpu)
        let views = Tensor.normal([1, 3, 20, 20], using: Generator(seed: 2))
        for name in ["backbone.cls_token", "backbone.reg_token"] {
            let before = network.features(of: views).patches
            let token = try #require(network.parameters.first { $0.name == name }).tensor
            token.copy(from: Tensor.normal(token.shape, deviation: 3, using: Generator(seed: 4)))
            let change = (network.features(of: views).patches - before).magnitude().max().item()
            #expect(change > 1e-3, "\(name)")
        }
    }

    @Test func architecturesReadBack() throws {
        for architecture in Self.architectures {
            let read = try JSONDecoder().decode(Architecture.self, from: JSONEncoder().encode(architecture))
            #expect(read == architecture)
        }
    }

    /// Written before networks of other origins could be described.
    @Test func olderDescriptionsAreSelfPatchNetworks() throws {
        let text = """
            {"channels": 3, "depth": 4, "heads": 3, "mlpRatio": 4, "normEpsilon": 1e-06, "patchSize": 8,
             "positionGrid": {"columns": 12, "rows": 12}, "width": 96}
            """
        let read = try JSONDecoder().decode(Architecture.self, from: Data(text.utf8))
        #expect(
            read
                == Architecture(
                    width: 96, depth: 4, heads: 3, patchSize: 8, positionGrid: Grid(rows: 12, columns: 12)))
    }
}
