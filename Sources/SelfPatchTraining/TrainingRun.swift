/// How a run ended. Thrown out of what can be left half done, such as a scoring: see ``RunClock/checkStop()``.
package enum RunEnding: Error, Equatable {
    case complete
    /// By a signal; everything is saved.
    case stopped(Int32)
    /// The time limit is near; everything is saved.
    case timeUp
}

/// Something that is trained step by step in a run's folder: a backbone, a probe, a head.
///
/// What a step is differs; the order of things around it does not: a checkpoint where one is due or the run has to stop, then
/// scores that are due.
package protocol TrainingRun: AnyObject {
    var stepCount: Int { get }
    /// Steps done.
    var done: Int { get }
    var clock: RunClock { get }
    var log: RunLog { get }
    /// Steps from one planned checkpoint to the next; 0: only where the run ends.
    var checkpointInterval: Int { get }
    /// Steps from one scoring to the next; 0: none on the way.
    var scoreInterval: Int { get }

    /// Does the next step and writes down what it gave.
    func step() throws
    /// Scores what has been trained so far, and writes the scores down: one line of `metrics.jsonl`.
    ///
    /// - Throws: `RunEnding`, with nothing written, where it was left because the run has to stop.
    func score() throws
    /// Writes a checkpoint.
    func save() throws
}

extension TrainingRun {
    /// The loop; a resumed run starts in the middle.
    package func runSteps() throws -> RunEnding {
        var isSaved = true
        do {
            // The checkpoint of a step comes before its scores, which a run that ended between them still owes.
            if done > 0, try !log.hasScores(of: done) { try scoreIfDue() }
            while done < stepCount {
                try step()
                let reason = done < stepCount ? clock.reasonToStop(beforeScoring: isDue(scoreInterval)) : nil
                isSaved = isDue(checkpointInterval) || done == stepCount || reason != nil
                if isSaved { try clock.measureSaving(save) }
                if let reason { return reason }
                try scoreIfDue()
            }
            return .complete
        } catch let ending as RunEnding {
            if !isSaved { try clock.measureSaving(save) }
            return ending
        }
    }

    private func scoreIfDue() throws {
        if isDue(scoreInterval) { try clock.measureScoring(score) }
    }

    private func isDue(_ interval: Int) -> Bool { interval > 0 && done % interval == 0 }
}
