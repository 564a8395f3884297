import ArgumentParser
import Foundation
import SelfPatchFormats
import SelfPatchTensors
import SelfPatchTraining

/// A run's folder while a command works in it: locked, its newest checkpoint found, its log on the terminal.
///
/// Every command that trains goes through here, so that they all stop, resume and report alike.
struct RunSession {
    let folder: RunFolder
    /// Where to go on from; nil at a run's beginning.
    let checkpoint: Checkpoint?
    let live: LiveLine
    let log: RunLog
    private let lock: RunLock
    /// The command as it is typed: "selfpatch pretrain".
    private let command: String

    /// Opens the folder.
    ///
    /// - Parameters:
    ///   - isNew: whether the folder is to be made; else a run is in it.
    ///   - settings: the run's settings as YAML.
    ///   - isChanged: whether they differ from those in the folder, and are to be written there.
    ///   - examine: looks at the folder and at the checkpoint's state before anything in the folder changes; what it throws
    ///     leaves the run as it was.
    init(
        _ path: String, isNew: Bool, settings: String, isChanged: Bool = false, command: String,
        examine: (RunFolder, Checkpoint.State?) throws -> Void
    ) throws {
        self.command = command
        folder = isNew ? try RunFolder.create(at: path, settings: settings) : try RunFolder(existing: path)
        lock = try folder.lock()
        try folder.prepare()
        StopSignal.install()
        let found = isNew ? (checkpoint: nil, complaints: []) : try Checkpoint.newest(in: folder)
        checkpoint = found.checkpoint
        try examine(folder, found.checkpoint?.state)
        if isChanged { try AtomicFile.write(Data(settings.utf8), to: folder.settingsFile) }
        try folder.cutBackMetrics(to: found.checkpoint?.state.step ?? 0)
        let live = LiveLine()
        self.live = live
        log = try RunLog(folder) { line, kind in live.print(line, kind) }
        for complaint in found.complaints { try log.note("\(complaint) The checkpoint before it is used.") }
    }

    /// Says where a resumed run goes on.
    func announceResumption(on machine: Checkpoint.Machine) throws {
        guard let checkpoint else {
            try log.note("No checkpoint had been saved: the run begins again from its start.")
            return
        }
        try log.note("Going on after \(checkpoint.state.step) steps, from \(checkpoint.file.path).")
        if let difference = machine.difference(from: checkpoint.state.machine) { try log.note(difference) }
    }

    /// Runs the body and says how it ended.
    ///
    /// - Parameters:
    ///   - run: for the count of its steps.
    ///   - device: where it runs, for the memory that it took.
    ///   - result: what a complete run has made, for the last sentence.
    ///   - body: the run and what belongs to it; it may throw the ending where it was left meanwhile.
    func finish(
        _ run: some TrainingRun, on device: Device, result: String, _ body: () throws -> RunEnding
    ) throws -> RunEnding {
        defer { live.clear() }
        let ending: RunEnding
        do {
            ending = try body()
        } catch let early as RunEnding {
            ending = early
        } catch let error as UserError {
            try? log.note("The run ends here: \(error.message)", .record)
            throw error
        }
        try log.note("The run took up to \(StepMemory.size(Double(device.peakBytes))) of memory.")
        let steps = "\(run.done) of \(run.stepCount) steps"
        let goOn = "\(run.done > 0 ? "; saved" : ""). Go on with: \(command) --resume \(folder.path)"
        switch ending {
        case .complete: try log.note("Complete after \(run.done) steps. \(result)")
        case .stopped(let signal):
            try log.note("Stopped by \(StopSignal.name(of: signal)) after \(steps)\(goOn)")
        case .timeUp: try log.note("The time is up after \(steps)\(goOn)")
        }
        return ending
    }
}

extension RunEnding {
    /// One word or two for JSON.
    var words: String {
        switch self {
        case .complete: "complete"
        case .stopped: "stopped"
        case .timeUp: "time limit"
        }
    }

    /// Leaves the program as a shell expects it where a signal ended the run.
    func exitIfStopped() throws {
        if case .stopped(let signal) = self { throw ExitCode(StopSignal.exitCode(of: signal)) }
    }
}
