import SelfPatchFormats

/// How long a run is and how many images a step sees. The defaults are the paper's.
package struct ScheduleSettings: Codable, Equatable, Sendable {
    /// Length of the run in epochs or steps.
    package var length = Span.epochs(200)
    /// Images a step, over all its parts.
    package var batchSize = 1024
    /// Parts that a step's images are taken through one after the other to save memory; the numbers stay the same.
    package var accumulation = 1
    /// Take each of the student's views through by itself to save memory; the numbers stay the same.
    package var viewsInTurn = false
    /// Compute the student's blocks a second time for the backward instead of keeping what is inside them; the numbers stay the same.
    package var checkpointActivations = false

    package init() {}
}

/// AdamW, its rates, clipping and the freeze of the last layers. The defaults are the reference's.
package struct OptimizerSettings: Codable, Equatable, Sendable {
    /// Learning rate after the warm-up, for `learningRateBatch` images a step.
    package var learningRate = 0.0005
    /// The images a step that `learningRate` is meant for: it grows in proportion to the batch. 0: it does not.
    package var learningRateBatch = 256
    /// Learning rate that the cosine falls to; not scaled.
    package var learningRateEnd = 1e-6
    /// Linear rise of the learning rate from 0.
    package var warmup = Span.epochs(10)
    package var weightDecay = 0.04
    /// Weight decay that the cosine rises to.
    package var weightDecayEnd = 0.4
    /// Largest norm of each parameter tensor's gradient; 0: no clipping.
    package var clip = 3.0
    /// At the run's start the heads' last layers stay as they are.
    package var freezeLastLayer = Span.epochs(1)
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8

    package init() {}
}

/// How the teacher follows the student and how sharp its targets are. The defaults are the reference's.
package struct TeacherSettings: Codable, Equatable, Sendable {
    /// Share of the teacher's weights that stays at each step, at the run's start.
    package var momentum = 0.996
    /// The momentum that the cosine rises to.
    package var momentumEnd = 1.0
    /// Temperature of the image targets after its warm-up.
    package var temperature = 0.04
    /// Temperature of the image targets in the first epoch, where there is a warm-up.
    package var temperatureStart = 0.04
    /// Temperature of the patch targets after its warm-up; 0: the image targets'.
    package var patchTemperature = 0.0
    /// Temperature of the patch targets in the first epoch, where there is a warm-up; 0: `patchTemperature`, or
    /// `temperatureStart` where that is 0 too.
    package var patchTemperatureStart = 0.0
    /// Epochs in which both temperatures move in equal steps from start to end.
    package var temperatureWarmupEpochs = 0
    /// Batches that the teacher alone sees before the first step, to set the centers to their mean; 0: they start at 0.
    package var centerWarmupSteps = 0

    package init() {}
}
