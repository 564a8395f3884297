/// How a run ended.
package enum RunEnding: Equatable, Sendable {
    case complete
    /// By a signal; everything is saved.
    case stopped(Int32)
    /// The time limit is near; everything is saved.
    case timeUp
}

/// Something that is trained step by step in a run's folder: a backbone, a probe, a head.
///
/// What a step is differs; the order of things around it does not: scores that are due, then a checkpoint where one is due
/// or the run has to stop.
package protocol TrainingRun: AnyObject {
    var stepCount: Int { get }
    /// Steps done.
    var done: Int { get }
    var clock: RunClock { get }
    /// Steps from one planned checkpoint to the next; 0: only where the run ends.
    var checkpointInterval: Int { get }
    /// Steps from one scoring to the next; 0: none on the way.
    var scoreInterval: Int { get }

    /// Does the next step and writes down what it gave.
    func step() throws
    /// Scores what has been trained so far, and writes the scores down.
    func score() throws
    /// Writes a checkpoint.
    func save() throws
}

extension TrainingRun {
    /// The loop; a resumed run starts in the middle.
    package func runSteps() throws -> RunEnding {
        while done < stepCount {
            try step()
            if isDue(scoreInterval) { try score() }
            let ending = reasonToStop
            if isDue(checkpointInterval) || ending != nil { try clock.measureSaving(save) }
            if let ending, ending != .complete { return ending }
        }
        return .complete
    }

    private var reasonToStop: RunEnding? {
        if done == stepCount { return .complete }
        if let signal = StopSignal.received { return .stopped(signal) }
        return clock.isTimeUp ? .timeUp : nil
    }

    private func isDue(_ interval: Int) -> Bool { interval > 0 && done % interval == 0 }
}
