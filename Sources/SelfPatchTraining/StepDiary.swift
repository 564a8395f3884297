/// What every run writes down about its steps: numbers, times, a line of the log now and then, and how far the run is.
package struct StepDiary {
    private let log: RunLog
    private let clock: RunClock
    private let stepCount: Int
    private let stepsPerEpoch: Int
    private let batchSize: Int
    private let logEvery: Int
    private let show: (RunProgress) -> Void

    /// - Parameters:
    ///   - batchSize: images a step.
    ///   - logEvery: steps from one line of the log to the next.
    ///   - show: is handed the state of things after every step.
    package init(
        _ log: RunLog, _ clock: RunClock, stepCount: Int, stepsPerEpoch: Int, batchSize: Int, logEvery: Int,
        show: @escaping (RunProgress) -> Void
    ) {
        (self.log, self.clock, self.show) = (log, clock, show)
        (self.stepCount, self.stepsPerEpoch) = (stepCount, stepsPerEpoch)
        (self.batchSize, self.logEvery) = (batchSize, logEvery)
    }

    /// Ends a step on the clock and writes it down.
    ///
    /// - Parameters:
    ///   - done: steps, with this one.
    ///   - numbers: what `metrics.jsonl` gets beside the epoch.
    ///   - losses: for people.
    package func record(step done: Int, _ numbers: [Metric], losses: [Metric], learningRate: Double) throws {
        clock.finishStep()
        let epoch = (done - 1) / stepsPerEpoch + 1
        try log.record(step: done, [Metric("epoch", Double(epoch))] + numbers)
        try log.recordSpeed(step: done, [Metric("seconds", clock.lastStep), Metric("dataWait", clock.lastWait)])
        let progress = RunProgress(
            step: done, stepCount: stepCount, epoch: epoch, epochCount: (stepCount - 1) / stepsPerEpoch + 1,
            losses: losses, learningRate: learningRate,
            imagesPerSecond: Double(batchSize) / clock.secondsPerStep,
            secondsLeft: clock.secondsPerStep * Double(stepCount - done), dataWaitShare: clock.waitShare)
        if done % logEvery == 0 || done == stepCount || done == 1 { try log.note(progress.line, .progress) }
        show(progress)
    }
}
