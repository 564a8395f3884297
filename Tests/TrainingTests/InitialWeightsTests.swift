import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import Testing

@Suite struct InitialWeightsTests {
    /// Width 8, one block, patches of 4, grid 2 x 2.
    static let settings = CheckpointTests.settings()

    /// A network as another program would give it: the run's sizes, with class token, registers and final norm.
    static func foreign(_ change: (inout Architecture) -> Void = { _ in }) -> (Network, WeightsDescription) {
        var architecture = settings.architecture
        architecture.hasClassToken = true
        architecture.registerCount = 2
        architecture.finalNorm = .tokens
        architecture.imageSummary = .classToken
        change(&architecture)
        let description = WeightsDescription(
            architecture: architecture, heads: nil, hasPatchHead: false, mean: settings.views.mean,
            deviation: settings.views.deviation, viewSize: [8, 8], steps: 0, origin: .timm)
        return (Network(architecture, heads: nil, seed: 77, device: .cpu), description)
    }

    func values(_ network: Network, _ prefix: String) -> [String: [Float]] {
        Dictionary(
            uniqueKeysWithValues: network.parameters.filter { $0.name.hasPrefix(prefix) }.map {
                ($0.name, $0.tensor.floats())
            })
    }

    @Test func whatFitsIsTakenTheRestIsSaid() throws {
        let (network, description) = Self.foreign { $0.normEpsilon = 1e-12 }
        let initial = try InitialWeights(network, description, path: "w", notes: ["Said before."], for: Self.settings)
        let drawn = Learner(Self.settings.learner(on: .cpu), device: .cpu).student
        let filled = Learner(Self.settings.learner(on: .cpu), device: .cpu).student
        initial.fill(filled)
        #expect(values(filled, "backbone.") != values(drawn, "backbone."))
        for (name, value) in values(filled, "backbone.") { #expect(values(network, name)[name] == value, "\(name)") }
        for part in ["ca_head.", "c_head.", "p_head."] { #expect(values(filled, part) == values(drawn, part)) }
        let notes = initial.notes.joined(separator: "\n")
        for words in [
            "Said before.", "Left out, no place here: backbone.cls_token, backbone.reg_token, backbone.norm.weight",
            "Freshly made: ca_head (35 tensors), c_head (8 tensors), p_head (8 tensors)", "not 1e-12",
            "a Vision Transformer of timm",
        ] { #expect(notes.contains(words), "'\(words)' is not in: \(notes)") }
    }

    /// From weights of this program with all its parts, everything is taken.
    @Test func ownWeightsAreTakenWhole() throws {
        let other = Learner(Self.settings.learner(on: .cpu), device: .cpu).student
        for parameter in other.parameters { parameter.tensor.copy(from: parameter.tensor.detached() + 0.5) }
        let initial = try InitialWeights(
            other, CheckpointTests.description(Self.settings), path: "w", for: Self.settings)
        let filled = Learner(Self.settings.learner(on: .cpu), device: .cpu).student
        initial.fill(filled)
        #expect(values(filled, "") == values(other, ""))
        #expect(!initial.notes.contains { $0.hasPrefix("Freshly made") || $0.hasPrefix("Left out") })

        // Heads of other sizes are made freshly, each as a whole.
        var settings = Self.settings
        settings.heads.patchPrototypes = 6
        let partly = try InitialWeights(other, CheckpointTests.description(settings), path: "w", for: settings)
        #expect(partly.notes.contains("Freshly made: p_head (8 tensors)."))
    }

    /// The settings that a refusal names are those that do.
    @Test func refusalsNameTheSettingsThatWouldDo() throws {
        let (network, description) = Self.foreign {
            $0.width = 12
            $0.depth = 2
            $0.heads = 3
            $0.hiddenWidth = 42
            $0.patchSize = 2
            $0.positionGrid = Grid(rows: 3, columns: 3)
        }
        let error = #expect(throws: UserError.self) {
            try InitialWeights(network, description, path: "w", for: Self.settings)
        }
        let message = try #require(error?.message)
        #expect(error?.kind == .usage && message.contains("model.width is 8 in the run and 12 in the weights"))
        var tree = try SettingsTree(encoding: Self.settings)
        let remedies = message.split(separator: "--set ").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(remedies.count == 5)
        for remedy in remedies { try tree.set(remedy) }
        let settings = try tree.decode(PretrainSettings.self)
        try settings.validate()
        let initial = try InitialWeights(network, description, path: "w", for: settings)
        let learner = Learner(settings.learner(on: .cpu), device: .cpu)
        initial.fill(learner.student)
        #expect(
            initial.notes.contains { $0.contains("positions from 3 x 3 to 2 x 2; patch embedding from 2 to 4 pixels") })

        var grey = description
        grey.architecture.channels = 1
        let one = Network(grey.architecture, heads: nil, seed: 1, device: .cpu)
        let channels = #expect(throws: UserError.self) { try InitialWeights(one, grey, path: "w", for: settings) }
        #expect(channels?.message.contains("channels") == true)
    }

    /// A larger patch, resized as pictures are, gives through the resized kernel what the patch gave.
    @Test(arguments: [(4, 5), (4, 8), (3, 7), (8, 12)]) func resizedKernelsSayTheSame(old: Int, new: Int) {
        let (network, _) = Self.foreign {
            $0.patchSize = old
            $0.positionGrid = Grid(rows: 1, columns: 1)
        }
        let kernel = network.parameters.first { $0.name == "backbone.patch_embed.proj.weight" }.map(\.tensor)
        let patch = Tensor.normal([5, 3, old, old], using: Generator(seed: 4))
        let larger = patch.resizedBicubic(to: Grid(rows: new, columns: new), antialiased: true)
        let resized = network.backbone.resizedPatchKernel(to: new)
        #expect(resized.shape == [8, 3, new, new])
        func answers(_ patches: Tensor, _ kernel: Tensor) -> Tensor {
            patches.reshaped(to: [5, -1]).matmul(kernel.reshaped(to: [8, -1]).transposed())
        }
        let difference = kernel.map { (answers(larger, resized) - answers(patch, $0)).magnitude().max().item() }
        #expect(difference.map { $0 < 1e-4 } == true, "\(String(describing: difference))")
    }

    /// Where patches shrink, a kernel that looks at the shrunken patch alone becomes that look, exactly.
    @Test(arguments: [(8, 4), (7, 5), (16, 3)]) func smallerKernelsAreTheBestThereAre(old: Int, new: Int) throws {
        let (network, _) = Self.foreign { $0.patchSize = old }
        let shrink = PositionRule.antialiasedSize.resizing(from: old, to: new).transposed()
        let look = Tensor.normal([8, 3, new, new], using: Generator(seed: 5))
        let kernel = try #require(network.parameters.first { $0.name == "backbone.patch_embed.proj.weight" }).tensor
        kernel.copy(from: shrink.matmul(look).matmul(shrink.transposed()))
        let difference = network.backbone.resizedPatchKernel(to: new) - look
        #expect(difference.magnitude().max().item() < 1e-3)
    }
}
