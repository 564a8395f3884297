import Foundation

/// The times of a run's steps: how fast it goes, how much it waits for data, and when it has to stop.
package final class RunClock {
    /// Seconds of the last step, with its wait for data.
    package private(set) var lastStep = 0.0
    /// Seconds that the last step waited for data.
    package private(set) var lastWait = 0.0
    private var recent: [(step: Double, wait: Double)] = []
    private var start = ContinuousClock.now
    private var waiting = 0.0
    private var saving = 0.0
    private var scoring = 0.0
    private let deadline: ContinuousClock.Instant?

    package init(deadline: ContinuousClock.Instant?) { self.deadline = deadline }

    /// Notes that the step under way waited so long for its data.
    package func waited(_ time: Duration) { waiting += time.seconds }

    /// Ends a step; the next one begins.
    package func finishStep() {
        let now = ContinuousClock.now
        lastStep = (now - start).seconds
        lastWait = waiting
        start = now
        waiting = 0
        recent.append((lastStep, lastWait))
        if recent.count > 50 { recent.removeFirst() }
    }

    /// Time that belongs to no step.
    package func withoutCounting<Result>(_ body: () throws -> Result) rethrows -> Result {
        let begin = ContinuousClock.now
        defer { start += ContinuousClock.now - begin }
        return try body()
    }

    /// The same for a checkpoint, whose time the deadline allows for.
    package func measureSaving(_ body: () throws -> Void) rethrows {
        let begin = ContinuousClock.now
        try withoutCounting(body)
        saving = max(saving, (ContinuousClock.now - begin).seconds)
    }

    /// The same for a scoring.
    package func measureScoring(_ body: () throws -> Void) rethrows {
        let begin = ContinuousClock.now
        try withoutCounting(body)
        scoring = max(scoring, (ContinuousClock.now - begin).seconds)
    }

    /// Mean over the last steps.
    package var secondsPerStep: Double { recent.map(\.step).reduce(0, +) / Double(max(1, recent.count)) }

    /// Share of the last steps' time that they waited for data.
    package var waitShare: Double {
        let all = recent.map(\.step).reduce(0, +)
        return all > 0 ? min(1, recent.map(\.wait).reduce(0, +) / all) : 0
    }

    /// Why the run has to stop here: a signal, or because another step and saving might not fit before the deadline.
    ///
    /// - Parameter beforeScoring: whether scores come before that step.
    package func reasonToStop(beforeScoring: Bool = false) -> RunEnding? {
        if let signal = StopSignal.received { return .stopped(signal) }
        guard let deadline else { return nil }
        let longest = recent.map(\.step).max() ?? 0
        let needed = 1.5 * (longest + saving + (beforeScoring ? scoring : 0)) + 1
        return (deadline - ContinuousClock.now).seconds < needed ? .timeUp : nil
    }

    /// To be called again and again in what takes long and can be left half done.
    ///
    /// - Throws: `RunEnding` where the run has to stop.
    package func checkStop() throws {
        if let ending = reasonToStop() { throw ending }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
