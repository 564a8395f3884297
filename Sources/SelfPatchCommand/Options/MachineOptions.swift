import ArgumentParser
import Foundation
import SelfPatchEvaluation
import SelfPatchTensors

/// What a command computes on. Nothing is set where nothing was said, so that a run's own settings can stand.
struct MachineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("auto, cpu, cuda, cuda:1 or mps (default: auto).", valueName: "device"))
    var device: String?

    @Option(help: ArgumentHelp("CPU threads; 0: as many as there are cores (default).", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if let threads, threads < 0 {
            throw ValidationError("--threads is \(threads); it is 0 or the number of threads.")
        }
    }

    /// Puts what was said over a run's settings.
    func overlay(_ settings: inout some HeadSettings) {
        if let device { settings.device = device }
        if let threads { settings.threads = threads }
    }

    /// Sets the threads.
    ///
    /// - Returns: the device that was named, or the best there is.
    func prepared() throws -> Device {
        let threads = threads ?? 0
        Libtorch.threadCount = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        return try Device.resolve(device ?? "auto")
    }
}
