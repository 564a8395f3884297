import ArgumentParser
import SelfPatchEvaluation
import SelfPatchTensors

/// How exactly features are taken.
struct PrecisionOptions: ParsableArguments {
    @Option(
        help:
            "What products are made in: float32, bf16 or float16. The last two are fast where doctor says so; features differ a little."
    )
    var precision = Precision.float32

    func apply(to trained: TrainedNetwork) { trained.network.featurePrecision = precision }
}

extension Precision: ExpressibleByArgument {}
