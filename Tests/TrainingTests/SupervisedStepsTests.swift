import SelfPatchData
import SelfPatchFormats
import SelfPatchLayers
import SelfPatchTensors
import SelfPatchTraining
import TestSupport
import Testing

@Suite struct SupervisedStepsTests {
    /// A weight that learns from batches of four samples.
    private static func steps(
        _ weight: Tensor, in folder: TemporaryFolder, parts: Int = 1
    ) throws -> SupervisedSteps<Int> {
        let run = try RunFolder.create(at: folder.file("run"), settings: "")
        var plan = SupervisedSteps<Int>.Plan(
            length: .steps(3), batchSize: 4, seed: 0, workers: 1, precision: .float32, weightDecay: 0,
            run: RunSettings(), format: "test"
        ) { _, _, _ in 0.1 }
        plan.parts = parts
        let source = SampleSource<Int>(count: 4, name: { "\($0)" }, read: { $0 }, skip: { throw $1 })
        return try SupervisedSteps(
            plan, optimizer: AdamW(ParameterGroups([NamedTensor("weight", weight)], decays: { _ in false })),
            trained: [NamedTensor("weight", weight)], device: .cpu, source: source, in: run, from: nil,
            log: try RunLog(run), deadline: nil, show: { _ in }
        ) { sample, _, _, _ in sample }
    }

    /// A loss can be fine where nothing can be learnt from it, as the root of 0.
    @Test func gradientsThatAreNoNumbersChangeNothing() throws {
        try withTemporaryFolder { folder in
            let weight = Tensor.zeros([2])
            let steps = try Self.steps(weight, in: folder)
            let error = #expect(throws: UserError.self) {
                try steps.step { _, _ in
                    [("zero", Tensor.zeros([]).withGradients([(of: weight, is: .full([2], value: .nan))]))]
                }
            }
            #expect(
                error?.message.contains("the loss is 0.0, the gradient's norm nan") == true,
                "\(String(describing: error))")
            #expect(weight.floats() == [0, 0] && steps.done == 0)
        }
    }

    /// Parts of 1, 1 and 2 samples: each term is the mean over the samples, as if they had come at once.
    @Test func partsCountByTheirSamples() throws {
        try withTemporaryFolder { folder in
            let steps = try Self.steps(Tensor.ones([1]), in: folder, parts: 3)
            try steps.step { samples, _ in
                let mean = Double(samples.reduce(0, +)) / Double(samples.count)
                let value = Tensor.full([], value: mean)
                value.requiresGradient = true
                return [("mean", value), ("one", value * 0 + 1)]
            }
            let line = try folder.text("run/metrics.jsonl")
            #expect(line.contains("\"loss\": 2.5, \"loss.mean\": 1.5, \"loss.one\": 1,"), "\(line)")
        }
    }
}
