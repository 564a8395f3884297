import Foundation
import SelfPatchData
import SelfPatchFormats
import SelfPatchModel
import SelfPatchTensors
import SelfPatchTraining
import TestSupport
import Testing

@Suite struct CheckpointTests {
    static func settings() -> PretrainSettings {
        var settings = PretrainSettings()
        settings.model.width = 8
        settings.model.depth = 1
        settings.model.heads = 2
        settings.model.patchSize = 4
        settings.views.globalSize = ViewSize(square: 8)
        settings.views.localSize = ViewSize(square: 8)
        settings.views.localCount = 1
        settings.heads = HeadSizes(imagePrototypes: 12, patchPrototypes: 10, hiddenWidth: 8, bottleneck: 4)
        settings.run.keepNewest = 2
        settings.run.keepEvery = 3
        return settings
    }

    static func description(_ settings: PretrainSettings) -> WeightsDescription {
        WeightsDescription(
            architecture: settings.architecture, heads: settings.heads, hasPatchHead: true, mean: [0.5, 0.5, 0.5],
            deviation: [0.2, 0.2, 0.2], viewSize: [8, 8], steps: 3)
    }

    func learner(seed: UInt64 = 0) -> Learner {
        var settings = Self.settings()
        settings.seed = seed
        return Learner(settings.learner(on: .cpu), device: .cpu)
    }

    func state(_ step: Int, _ learner: Learner) -> Checkpoint.State {
        Checkpoint.State(
            step: step, counters: learner.optimizer.counters.map { $0 + 7 }, health: Health(), images: 4,
            imageNames: "00000000", machine: Checkpoint.Machine(device: .cpu, precision: .float32))
    }

    func save(_ learner: Learner, _ step: Int, in run: RunFolder) throws {
        try Checkpoint.save(
            learner, state(step, learner), Self.description(Self.settings()), in: run, keeping: Self.settings().run,
            interval: 10)
    }

    @Test func everythingComesBack() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "seed: 0\n")
            let first = learner(seed: 1)
            first.objective.restoreCenters(image: Tensor.ones([12]), patch: Tensor.ones([10]) * 2)
            try save(first, 10, in: run)
            let found = try Checkpoint.newest(in: run)
            let checkpoint = try #require(found.checkpoint)
            #expect(found.complaints.isEmpty && checkpoint.state.step == 10)
            let second = learner(seed: 2)
            try checkpoint.restore(second)
            for (mine, theirs) in zip(first.state, second.state) {
                #expect(mine.name == theirs.name)
                #expect(mine.tensor.floats() == theirs.tensor.floats(), "\(mine.name)")
            }
            #expect(second.optimizer.counters == first.optimizer.counters.map { $0 + 7 })

            // A checkpoint is a weights file too, for the network that is asked for.
            let teacher = try WeightsFile.read(checkpoint.file.path, prefix: "teacher.", withHeads: true).network
            #expect(
                teacher.parameters.map { $0.tensor.floats() } == first.teacher.parameters.map { $0.tensor.floats() })
        }
    }

    @Test func theNewestAndEveryThirdAreKept() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "")
            let learner = learner()
            for step in stride(from: 10, through: 80, by: 10) { try save(learner, step, in: run) }
            try save(learner, 83, in: run)  // Saved by a signal, at no planned place.
            #expect(try run.checkpoints().map(\.step) == [83, 80, 60, 30])
            #expect(try String(contentsOfFile: run.latestFile, encoding: .utf8) == "step-000000083.safetensors\n")
        }
    }

    @Test func aStateThatIsNoNumberIsNotSaved() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "")
            let good = learner()
            try save(good, 10, in: run)
            let bad = learner()
            bad.objective.restoreCenters(image: Tensor.full([12], value: .nan), patch: Tensor.ones([10]))
            let error = #expect(throws: UserError.self) { try save(bad, 20, in: run) }
            #expect(error?.message.contains("center.image") == true)
            #expect(try run.checkpoints().map(\.step) == [10])
        }
    }

    @Test func anotherNetworksCheckpointIsRefusedWithATable() throws {
        try withTemporaryFolder { folder in
            let run = try RunFolder.create(at: folder.file("a"), settings: "")
            try save(learner(), 10, in: run)
            let checkpoint = try #require(try Checkpoint.newest(in: run).checkpoint)
            var settings = Self.settings()
            settings.model.depth = 2
            settings.model.mlpRatio = 2
            let other = Learner(settings.learner(on: .cpu), device: .cpu)
            let error = #expect(throws: UserError.self) { try checkpoint.restore(other) }
            let message = error?.message ?? ""
            #expect(message.contains("missing (") && message.contains("student.backbone.blocks.1.norm1.weight [8]"))
            #expect(message.contains("of another shape (") && message.contains("[32, 8] instead of [16, 8]"))
        }
    }

    @Test func weightsDescribeThemselvesOrAreRefused() throws {
        try withTemporaryFolder { folder in
            let learner = learner(seed: 3)
            let description = Self.description(Self.settings())
            let path = folder.file("weights.safetensors")
            try WeightsFile.write(learner.teacher, description, to: path)
            let read = try WeightsFile.read(path)
            #expect(read.description == description)
            #expect(read.network.imageHead == nil)
            let backbone = learner.teacher.parameters.filter {
                $0.name.hasPrefix("backbone") || $0.name.hasPrefix("ca_head")
            }
            #expect(read.network.parameters.map(\.name) == backbone.map(\.name))
            #expect(read.network.parameters.map { $0.tensor.floats() } == backbone.map { $0.tensor.floats() })
            #expect(
                try WeightsFile.read(path, withHeads: true).network.parameters.count == learner.teacher.parameters.count
            )

            // A description that promises more than the file holds builds nothing.
            var greedy = description
            greedy.architecture.depth = 900
            greedy.architecture.width = 4096
            try WeightsFile.write(learner.teacher, greedy, to: path)
            let error = #expect(throws: UserError.self) { try WeightsFile.read(path) }
            #expect(error?.message.contains("does not hold the network that it describes") == true)
            #expect(error?.message.contains("and 1") == true, "long lists are cut")
            try SafetensorsWriter.write([], metadata: ["made": "elsewhere"], to: path)
            #expect(throws: UserError.self) { try WeightsFile.read(path) }
        }
    }
}
